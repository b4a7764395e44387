#pragma once

#include <cuda_runtime_api.h>

#include <memory>

#include "backend/cuda/run/cuda_device.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// A whole step as one CUDA graph: captured once, then launched by a single call. Captured nodes keep the SMs of the
// stream that they were captured on.
class StepGraph {
 public:
  // The error is why the step can't be captured; it may then be issued launch by launch. The device is as before.
  static Result<std::unique_ptr<StepGraph>> capture(const LaunchProgram& program, CudaDevice& device);
  ~StepGraph();
  StepGraph(const StepGraph&) = delete;
  StepGraph& operator=(const StepGraph&) = delete;

  void replay(cudaStream_t stream) const;
  size_t nodes() const { return nodes_; }

 private:
  StepGraph(cudaGraphExec_t executable, size_t nodes) : executable_(executable), nodes_(nodes) {}

  cudaGraphExec_t executable_;
  size_t nodes_;
};

}  // namespace pipeloom::backend
