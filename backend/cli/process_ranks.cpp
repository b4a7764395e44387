#include "backend/cli/process_ranks.h"

#include "backend/cli/rank_launch.h"
#include "backend/cli/run_report.h"
#include "backend/cli/start.h"
#include "backend/cli/training_options.h"
#include "backend/device/setup/local_rank.h"
#include "backend/runtime/messages/meeting.h"
#include "backend/runtime/training/plan_limits.h"
#include "core/tasks/lower.h"

namespace pipeloom::backend {

ProcessRanks::ProcessRanks(const CommandOptions& options, const RunOutput& output, const Plan& plan)
    : options_(options), output_(output), plan_(plan), ranks_(chosen_ranks(options.ranks, of_this_process)) {}

int ProcessRanks::ranks_here(int count) const {
  return backend::ranks_here(ranks_, count, of_this_process);
}

int ProcessRanks::local_rank(int rank) const {
  return backend::local_rank(rank, of_this_process);
}

Status ProcessRanks::start(int count, const std::function<Status(Endpoint&)>& rank_main) const {
  const auto limits = [&] { return plan_limits(plan_, lower(plan_), !options_.paced); };
  const auto checked_main = [&](Endpoint& endpoint) -> Status {
    if (facts_ != nullptr) PIPELOOM_RETURN_IF_ERROR(Meeting(endpoint, patience_ns(options_)).agree(*facts_));
    if (endpoint.rank() == 0) PIPELOOM_RETURN_IF_ERROR(check_outputs(options_));
    if (signals_ != nullptr) signals_->listen();
    return rank_main(endpoint);
  };
  return launch({ranks_, count, patience_ns(options_), limits}, checked_main, output_.err);
}

}  // namespace pipeloom::backend
