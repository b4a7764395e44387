#pragma once

#include <cstdint>
#include <vector>

#include "backend/runtime/program/heartbeat.h"
#include "backend/runtime/program/task_runner.h"
#include "backend/transport/endpoint.h"
#include "core/tasks/trace.h"

namespace pipeloom::backend {

// Runs the tasks of one rank in the order of their queues, on the calling thread: computation is done where it starts,
// communication goes on beside it. The first error of any rank ends all.
class Executor {
 public:
  // `patience_ns`: with nothing ending for so long, the run is given up as hung. All arguments outlive it.
  Executor(const RankProgram& program, TaskRunner& runner, Endpoint& endpoint, Heartbeat& heartbeat,
           int64_t patience_ns)
      : program_(program), runner_(runner), endpoint_(endpoint), heartbeat_(heartbeat), patience_ns_(patience_ns) {}

  // One step. Fails, after aborting the run, where a task fails or nothing ends for too long; or where another rank
  // aborted it.
  Status run_step();

  // Of the last step, in the order in which the tasks ended; steady time. Their replica is 0.
  const std::vector<Span>& spans() const { return spans_; }

 private:
  struct Queue {
    size_t next = 0;       // in its tasks
    int64_t issue_ns = 0;  // of the next task: when the one before it ended
    bool started = false;
    int64_t begin_ns = 0;
    int64_t ask_again_ns = INT64_MAX;
    Wait wait = {};
    int64_t waits_since_ns = 0;  // for another rank; 0: it does not
    int64_t waited_ns = 0;       // before that
  };
  // What a task of this rank waits for.
  struct Inputs {
    int missing = 0;             // dependencies that have not ended
    int64_t ready_ns = 0;        // when the last one's result may be had
    uint32_t last = UINT32_MAX;  // the one that ended last
  };

  void reset();
  Status run_tasks();
  Result<bool> advance_queues();
  Result<bool> advance(int queue);
  Status begin(Queue& queue, uint32_t task, int64_t now_ns);
  void note_wait(Queue& queue, const Wait& wait, int64_t now_ns);
  void finish(int queue, uint32_t task, int64_t bytes);
  Status wait();
  Error hung() const;

  const RankProgram& program_;
  TaskRunner& runner_;
  Endpoint& endpoint_;
  Heartbeat& heartbeat_;
  int64_t patience_ns_;

  std::vector<Queue> queues_;
  std::vector<Inputs> inputs_;  // [task]
  size_t ended_ = 0;
  int64_t last_end_ns_ = 0;
  std::vector<Span> spans_;
};

}  // namespace pipeloom::backend
