#include "backend/cli/expert_loads.h"

#include "proto/expert_loads.h"
#include "proto/files.h"

namespace pipeloom {

Status check_expert_loads(const CommandOptions& options, const Job& job) {
  if (options.expert_load_path.empty()) return {};
  if (options.paced) return invalid("--expert-load is given; a run with --pace trains nothing");
  if (job.model && job.model->moe) return {};
  return invalid("--expert-load is given; the plan's model has no experts");
}

Status write_expert_loads(const CommandOptions& options, const std::vector<ExpertLoad>& loads) {
  if (options.expert_load_path.empty()) return {};
  return write_file_atomically(options.expert_load_path, expert_loads_to_csv(loads));
}

}  // namespace pipeloom
