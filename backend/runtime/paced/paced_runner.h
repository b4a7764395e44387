#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "backend/runtime/messages/credits.h"
#include "backend/runtime/messages/gather.h"
#include "backend/runtime/program/task_runner.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// Lets each task take a given time on the clock in place of its work, from when it really starts: never until when it
// was predicted to end. Messages are sent (without content) and waited for as in training, and are under way for their
// link's latency; members of a gradient reduction wait for each other.
class PacedRunner : public TaskRunner {
 public:
  // `durations_ns` [task of the graph]. `rank_0_ahead_ns`: how far rank 0's clock, in which messages say when they
  // arrive, is ahead of this rank's. Runs one replica. All arguments outlive the runner.
  PacedRunner(const Plan& plan, const RankProgram& program, std::span<const int64_t> durations_ns, Endpoint& endpoint,
              int64_t rank_0_ahead_ns)
      : plan_(plan),
        durations_ns_(durations_ns),
        endpoint_(endpoint),
        rank_0_ahead_ns_(rank_0_ahead_ns),
        credits_(program, plan.job.p2p, endpoint, 0) {}

  void begin_step(int64_t step);
  Status start(const RankTask& task) override;
  Result<Progress> poll(const RankTask& task) override;
  std::string waits_for(const RankTask& task) const override;

 private:
  struct Running {
    Gather gather;
    int64_t end_ns = 0;  // 0: not known before all messages are there
  };

  void expect_members(const RankTask& task, Gather& gather);
  int64_t end_after_messages(const RankTask& task, Gather& gather) const;
  void deliver(const RankTask& task);

  const Plan& plan_;
  std::span<const int64_t> durations_ns_;
  Endpoint& endpoint_;
  int64_t rank_0_ahead_ns_;
  Credits credits_;
  int64_t step_ = 0;
  std::map<uint32_t, Running> running_;  // by RankTask::number
};

}  // namespace pipeloom::backend
