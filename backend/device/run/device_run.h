#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backend/device/setup/sm_partition.h"
#include "backend/runtime/messages/run_trace.h"
#include "backend/runtime/training/step_loop.h"
#include "core/job/copy_method.h"

namespace pipeloom::backend {

// What a run is told of the device that it runs on, beside its steps. A device without an ability (device_kind.h) does
// not look at what is for it.
struct DeviceRunOptions : StepOptions {
  bool paced = false;        // no training: every task takes its planned time
  double varied_share = 0;   // paced: how much longer or shorter than planned tasks are at most
  uint64_t varied_seed = 0;  // by which that is drawn
  int device = 0;            // all ranks on one device: which
  bool graphs = true;        // steps are replayed as one graph, where that can be
  // Hand-overs on one device: how they are copied (none: as the plan says), and how fast; 0: as fast as that goes.
  std::optional<CopyMethod> copy;
  double link_bytes_per_s = 0;
  std::function<void(const std::string&)> on_remark;  // what a user should know; called by rank 0
};

// What a run leaves, on rank 0.
struct DeviceRunResult {
  std::vector<double> losses;                 // [step]; empty for a paced run
  std::vector<double> mtp_losses;             // [step] as of TrainingResult
  std::vector<ExpertLoad> expert_loads;       // as of TrainingResult
  uint64_t averages_digest = 0;               // as of TrainingResult
  std::optional<uint64_t> parameters_digest;  // of all ranks' parameters, where the device tells it
  RunTrace trace;                             // if traced, or paced on CPUs
  // Of devices that run launch programs (backend/device/program/):
  std::vector<int64_t> step_ns;     // [step] on the device
  SmPartition partition;            // as achieved
  std::string how;                  // steps were run at the end; empty: not by launches
  std::string traced_by;            // "CUPTI", or events and why
  std::vector<std::string> census;  // paced on one GPU: whose SMs were seen where; empty: all partitions are disjoint
};

}  // namespace pipeloom::backend
