#pragma once

#include <memory>
#include <vector>

#include "backend/device/run/launched_steps.h"
#include "backend/device/run/launcher_source.h"
#include "backend/device/run/task_launcher.h"
#include "backend/runtime/messages/meeting.h"
#include "backend/runtime/training/step_loop.h"

namespace pipeloom::backend {

// A rank whose tasks are launches.
struct LaunchedRank {
  RunRank rank;
  std::unique_ptr<RankProgram> program;
  std::unique_ptr<TaskLauncher> launcher;  // null: the run is paced
};

// Says what task number `number` of the ranks of this process is.
std::string name_of_task(const std::vector<LaunchedRank>& ranks, uint32_t number);

// Runs the steps of the ranks of one process by launches, with their losses and checkpoints as on CPUs, and what comes
// after them: loads of experts, one more step that is traced, digests.
class LaunchedRun : private StepRunner {
 public:
  // `meeting` is of all processes. All arguments outlive it.
  LaunchedRun(const GpuRun& run, std::vector<LaunchedRank>& ranks, LaunchedSteps& steps, Meeting& meeting)
      : run_(run), ranks_(ranks), steps_(steps), meeting_(meeting) {}

  // Adds what the run leaves to `result`. Every process calls it together.
  Status run(DeviceRunResult& result);

 private:
  Result<int64_t> run_step(int64_t step) override;
  std::optional<StepLosses> losses() override;

  void begin_step(int64_t step, StreamHandle stream);
  KeptRank kept_rank(const LaunchedRank& rank) const;
  Result<RunTrace> trace_step(std::string& traced_by);

  const GpuRun& run_;
  std::vector<LaunchedRank>& ranks_;
  LaunchedSteps& steps_;
  Meeting& meeting_;
  std::vector<int64_t> step_ns_;
};

}  // namespace pipeloom::backend
