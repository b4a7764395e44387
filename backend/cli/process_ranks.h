#pragma once

#include "backend/cli/run_options.h"
#include "backend/cli/stop_signals.h"
#include "backend/device/table/rank_starter.h"
#include "backend/runtime/messages/facts.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// The ranks of a run as the command line and what started this process have them.
class ProcessRanks : public RankStarter {
 public:
  // All outlive it.
  ProcessRanks(const CommandOptions& options, const RunOutput& output, const Plan& plan);

  bool one_process() const override { return ranks_ == "threads" || ranks_ == "sequential"; }
  // Said before start(): what all ranks must have been started with, and the signals to listen for once they have met;
  // null: none. Both outlive it.
  void prepare(const std::vector<Fact>& facts, StopSignals* signals) {
    facts_ = &facts;
    signals_ = signals;
  }

  int ranks_here(int count) const override;
  int local_rank(int rank) const override;
  Status start(int count, const std::function<Status(Endpoint&)>& rank_main) const override;

 private:
  const CommandOptions& options_;
  const RunOutput& output_;
  const Plan& plan_;
  const std::vector<Fact>* facts_ = nullptr;
  StopSignals* signals_ = nullptr;
  std::string ranks_;  // "threads", "mpi", "tcp", "sequential"
};

}  // namespace pipeloom::backend
