#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/device/run/task_launcher.h"
#include "backend/device/setup/sm_partition.h"
#include "backend/model/training.h"
#include "backend/runtime/messages/run_trace.h"
#include "backend/runtime/program/replicas.h"
#include "backend/runtime/training/checkpoint.h"
#include "core/job/copy_method.h"
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

struct GpuRunOptions {
  int64_t steps = 1;
  bool paced = false;  // no training: every task keeps its rank's SMs busy for its planned time
  bool graphs = true;  // steps are replayed as one CUDA graph, where that can be
  // Hand-overs on one GPU: how they are copied (none: as the plan says), and how fast; 0: as fast as that goes.
  std::optional<CopyMethod> copy;
  double link_bytes_per_s = 0;
  bool traced = false;  // one more step, launched task by task, is traced
  int64_t patience_ns = 60'000'000'000;
  CheckpointOptions checkpoints;                      // the same as CPUs': a run may go on elsewhere
  std::function<void(const StepReport&)> on_step;     // called by rank 0
  std::function<void(const std::string&)> on_remark;  // what a user should know; called by rank 0
};

// A plan, ready to run on GPUs.
struct GpuRun {
  const Plan& plan;
  const LauncherSource& launchers;  // not used by a paced run
  const GpuRunOptions& options;
};

// What a run leaves, on rank 0.
struct GpuRunResult {
  std::vector<double> losses;            // [step]; empty for a paced run
  std::vector<double> mtp_losses;        // [step] as of TrainingResult
  std::vector<int64_t> step_ns;          // [step] on the device
  SmPartition partition;                 // as achieved
  std::string how;                       // steps were run at the end
  RunTrace trace;                        // if traced
  std::string traced_by;                 // "CUPTI", or events and why
  std::vector<ExpertLoad> expert_loads;  // as of TrainingResult
  uint64_t averages_digest = 0;          // ChunkState::averages_digest of all chunks; 0: the job has no moving averages
  std::vector<std::string> census;  // paced on one GPU: whose SMs were seen where; empty: all partitions are disjoint
};

}  // namespace pipeloom::backend
