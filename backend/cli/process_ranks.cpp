#include "backend/cli/process_ranks.h"

#include "backend/cli/rank_launch.h"
#include "backend/cli/start.h"
#include "backend/cli/training_options.h"
#include "backend/device/setup/local_rank.h"

namespace pipeloom::backend {

ProcessRanks::ProcessRanks(const CommandOptions& options, const RunOutput& output)
    : options_(options), output_(output), ranks_(chosen_ranks(options.ranks, of_this_process)) {}

int ProcessRanks::ranks_here(int count) const {
  return backend::ranks_here(ranks_, count, of_this_process);
}

int ProcessRanks::local_rank(int rank) const {
  return backend::local_rank(rank, of_this_process);
}

Status ProcessRanks::start(int count, const std::function<Status(Endpoint&)>& rank_main) const {
  return launch({ranks_, count, patience_ns(options_)}, rank_main, output_.err);
}

}  // namespace pipeloom::backend
