#pragma once

#include <vector>

#include "backend/device/run/launcher_source.h"
#include "backend/runtime/messages/meeting.h"

namespace pipeloom::backend {

// Reads and writes the checkpoints of the ranks of this process, as CheckpointKeeper does: one counts once every rank
// has written its part, and the one before is removed only then.
class GpuCheckpoints {
 public:
  struct Rank {
    RunRank rank;
    TaskLauncher& launcher;
  };

  // `run` and launchers outlive it. `meeting`: of all processes; null where this one has all ranks.
  GpuCheckpoints(const GpuRun& run, std::vector<Rank> ranks, Meeting* meeting)
      : run_(run), options_(run.options.checkpoints), ranks_(std::move(ranks)), meeting_(meeting) {}

  // How many steps are behind the weights now: 0 unless a checkpoint is resumed.
  Result<int64_t> resume();
  // After `steps` steps.
  Status step_ended(int64_t steps);

 private:
  Status restore(int64_t steps, const Rank& rank);
  Status write(int64_t steps, const Rank& rank);
  Status meet();

  const GpuRun& run_;
  const CheckpointOptions& options_;
  std::vector<Rank> ranks_;
  Meeting* meeting_;
  int64_t last_ = 0;  // steps of the last checkpoint; 0: none
};

}  // namespace pipeloom::backend
