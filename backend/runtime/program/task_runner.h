#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "backend/runtime/program/rank_program.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// How a task stands.
struct Progress {
  bool ended = false;
  int64_t ask_again_ns = INT64_MAX;  // if not ended: steady time at which it may have, even if no message arrives
  Wait wait;                         // if not ended: what of another rank it waits for
  int64_t bytes = 0;                 // if ended: that it sent, or received

  static Progress done(int64_t bytes = 0) {
    Progress progress;
    progress.ended = true;
    progress.bytes = bytes;
    return progress;
  }
  static Progress until_message(const Wait& wait) {
    Progress progress;
    progress.wait = wait;
    return progress;
  }
  static Progress until(int64_t time_ns) {
    Progress progress;
    progress.ask_again_ns = time_ns;
    return progress;
  }
};

// What the tasks of one rank do: real training, or the passing of their planned time. Called by the rank's thread
// alone.
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;

  // Called once for each task, when everything that it waits for has ended. Computes; communication is only begun.
  virtual Status start(const RankTask& task) = 0;
  // Called from time to time after start until the task has ended. Does not block.
  virtual Result<Progress> poll(const RankTask& task) = 0;
  // What a started task waits for, for a message to people: "the forward message of micro-batch 3 from rank 1".
  virtual std::string waits_for(const RankTask& task) const = 0;
};

}  // namespace pipeloom::backend
