#pragma once

#include <cstdint>
#include <vector>

#include "backend/runtime/task_runner.h"
#include "backend/transport/endpoint.h"
#include "core/trace.h"

namespace pipeloom {

// Runs the tasks of one rank in the order of their queues, on the calling thread: computation is done where it starts,
// communication goes on beside it. The first error of any rank ends all.
class Executor {
 public:
  // `patience_ns`: with nothing ending for so long, the run is given up as hung.
  Executor(const RankProgram& program, TaskRunner& runner, Endpoint& endpoint, int64_t patience_ns)
      : program_(program), runner_(runner), endpoint_(endpoint), patience_ns_(patience_ns) {}

  // One step. Fails, after aborting the run, where a task fails or nothing ends for too long; or where another rank
  // aborted it.
  Status run_step();

  // Of the last step, in the order in which the tasks ended; steady time.
  const std::vector<Span>& spans() const { return spans_; }

 private:
  struct Queue {
    size_t next = 0;  // in its tasks
    bool started = false;
    int64_t begin_ns = 0;
    int64_t ask_again_ns = 0;
  };

  void reset();
  Status run_tasks();
  Result<bool> advance_queues();
  Result<bool> advance(int queue);
  void finish(int queue, uint32_t task);
  Status wait();
  Error hung() const;

  const RankProgram& program_;
  TaskRunner& runner_;
  Endpoint& endpoint_;
  int64_t patience_ns_;

  std::vector<Queue> queues_;
  std::vector<int> missing_;  // [task] dependencies that have not ended
  size_t ended_ = 0;
  int64_t last_end_ns_ = 0;
  std::vector<Span> spans_;
};

}  // namespace pipeloom
