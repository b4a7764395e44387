#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "backend/device/run/device_run.h"
#include "backend/device/run/task_launcher.h"
#include "backend/runtime/program/replicas.h"
#include "backend/runtime/training/checkpoint.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// What makes the launchers of a run's ranks.
struct LauncherSource {
  // What a rank's launcher will allocate on its GPU, in bytes.
  std::function<Result<int64_t>(const RankProgram& program, RunRank rank)> memory_bytes;
  std::function<Result<std::unique_ptr<TaskLauncher>>(const RankProgram& program, RunRank rank)> make;
  // What checkpoints of a rank say of the run.
  std::function<CheckpointIdentity(int rank)> identity;
};

// A plan, ready to run by launches.
struct GpuRun {
  const Plan& plan;
  const LauncherSource& launchers;  // not used by a paced run
  const DeviceRunOptions& options;
};

}  // namespace pipeloom::backend
