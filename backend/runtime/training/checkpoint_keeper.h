#pragma once

#include "backend/runtime/messages/meeting.h"
#include "backend/runtime/program/heartbeat.h"
#include "backend/runtime/training/checkpoint.h"

namespace pipeloom::backend {

// How many steps the last checkpoint has that counts; 0: there is none.
Result<int64_t> last_checkpoint(CheckpointStore& store);

// Writes and reads one rank's checkpoints in step with the other ranks: a checkpoint counts once every rank has written
// its part, and the one before is removed only then.
class CheckpointKeeper {
 public:
  CheckpointKeeper(const CheckpointOptions& options, const CheckpointIdentity& identity, Meeting& meeting,
                   Heartbeat& heartbeat)
      : options_(options), identity_(identity), meeting_(meeting), heartbeat_(heartbeat) {}

  // How many steps the chunks have now behind them: 0 unless a checkpoint is resumed.
  Result<int64_t> resume(const std::vector<std::unique_ptr<ChunkRun>>& chunks);
  // After `steps` steps.
  Status step_ended(int64_t steps, const std::vector<std::unique_ptr<ChunkRun>>& chunks);

 private:
  const CheckpointOptions& options_;
  CheckpointIdentity identity_;
  Meeting& meeting_;
  Heartbeat& heartbeat_;
  int64_t last_ = 0;  // steps of the last checkpoint; 0: none
};

}  // namespace pipeloom::backend
