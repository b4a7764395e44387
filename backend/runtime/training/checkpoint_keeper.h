#pragma once

#include <functional>
#include <string>
#include <vector>

#include "backend/runtime/messages/meeting.h"
#include "backend/runtime/program/heartbeat.h"
#include "backend/runtime/training/checkpoint.h"

namespace pipeloom::backend {

// One rank's part of a checkpoint, wherever its numbers are.
struct KeptRank {
  int number = 0;
  std::function<Result<std::string>(int64_t steps)> write;  // its state after so many steps, as of write_checkpoint
  std::function<Status(const std::string& content, int64_t steps)> read;  // takes that state back
};

// Writes and reads the checkpoints of this process's ranks in step with all others: a checkpoint counts once every rank
// has written its part, and older ones are removed only then.
class CheckpointKeeper {
 public:
  // Calls `ranks` only if there is a store: what a checkpoint says of its run needs a digest of the whole text.
  // `options`, `meeting` and `heartbeat` outlive it.
  CheckpointKeeper(const CheckpointOptions& options, const std::function<std::vector<KeptRank>()>& ranks,
                   Meeting& meeting, Heartbeat& heartbeat)
      : options_(options), meeting_(meeting), heartbeat_(heartbeat) {
    if (options.store != nullptr) ranks_ = ranks();
  }

  // Before the first step. Returns how many steps the ranks have behind them now: 0 unless a checkpoint is resumed.
  // Fails where another run has the store, or where it has a checkpoint that the run was not told to resume or to
  // overwrite.
  Result<int64_t> begin();
  // After `steps` steps: saves them if a checkpoint is due.
  Status step_ended(int64_t steps);
  // Saves the state after `steps` steps, unless the last checkpoint is of them. Returns whether there is one now.
  Result<bool> save(int64_t steps);

 private:
  Result<int64_t> claim();
  Result<std::vector<int64_t>> own_checkpoints() const;
  Status take(const KeptRank& rank) const;
  Status write_parts(int64_t steps) const;

  const CheckpointOptions& options_;
  std::vector<KeptRank> ranks_;
  Meeting& meeting_;
  Heartbeat& heartbeat_;
  int64_t last_ = 0;           // steps of the last checkpoint; 0: none
  std::vector<int64_t> kept_;  // steps of the checkpoints that are there, the last one at the end
};

}  // namespace pipeloom::backend
