#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/run/cuda_device.h"
#include "backend/cuda/run/step_graph.h"
#include "backend/device/run/launched_steps.h"
#include "core/base/result.h"
#include "core/tasks/task_graph.h"
#include "core/tasks/trace.h"

namespace pipeloom::backend {

// How steps are run and watched.
struct GpuStepOptions {
  std::string no_graphs;  // why steps must not be captured; empty: the second is, later ones are replayed
  std::string no_cupti;   // why CUPTI would not know what is launched; empty: it does
  int64_t patience_ns = 60'000'000'000;            // nothing ends for so long: hung
  std::function<Status()> poll;                    // asked while the device works: what else ends the run
  std::function<std::string(uint32_t task)> name;  // of a task, for messages
};

// The steps of one launch program on one device. The first is issued launch by launch, so that everything is loaded;
// the second too, into a graph if that can be. One thread.
class GpuStep : public LaunchedSteps {
 public:
  // All arguments outlive it.
  GpuStep(const LaunchProgram& program, const TaskGraph& graph, CudaDevice& device, GpuStepOptions options);
  ~GpuStep() override;
  GpuStep(const GpuStep&) = delete;
  GpuStep& operator=(const GpuStep&) = delete;

  // Both enqueue on the program's origin.
  Result<int64_t> run(const Before& before) override;
  Result<Traced> run_traced(const Before& before, int replica) override;
  std::string how() const override;

 private:
  void enqueue();
  Status wait();
  size_t ended_events() const;

  const LaunchProgram& program_;
  const TaskGraph& graph_;
  CudaDevice& device_;
  GpuStepOptions options_;
  std::unique_ptr<StepGraph> step_graph_;
  std::string no_graph_;
  bool warm_ = false;
  bool tried_ = false;
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

}  // namespace pipeloom::backend
