#include "backend/cli/expert_loads.h"

#include "proto/base/files.h"
#include "proto/job/expert_loads_csv.h"

namespace pipeloom::backend {

Status check_expert_loads(const CommandOptions& options, const Job& job) {
  if (options.expert_load_path.empty()) return {};
  if (options.paced) return invalid("--expert-load is given; a run with --pace trains nothing");
  if (job.model && job.model->moe) return {};
  return invalid("--expert-load is given; the plan's model has no experts");
}

Status write_expert_loads(const CommandOptions& options, const std::vector<ExpertLoad>& loads) {
  if (options.expert_load_path.empty()) return {};
  return proto::write_file_atomically(options.expert_load_path, proto::expert_loads_to_csv(loads));
}

}  // namespace pipeloom::backend
