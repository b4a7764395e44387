#include "backend/cuda/run/step_graph.h"

#include <fmt/format.h>

#include <exception>
#include <string>

#include "backend/cuda/cuda_check.h"

namespace pipeloom::backend {

namespace {

// Ended whatever happens in between, or the stream could not be used again.
Result<cudaGraph_t> captured(const LaunchProgram& program, CudaDevice& device) {
  PIPELOOM_CUDA_CHECK(cudaStreamBeginCapture(device.origin(), cudaStreamCaptureModeThreadLocal));
  std::string reason;
  try {
    issue(program, device);
  } catch (const std::exception& error) {
    reason = error.what();
  }
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(device.origin(), &graph);
  cudaGetLastError();  // a failed capture leaves its error behind
  if (reason.empty() && ended != cudaSuccess) reason = cudaGetErrorString(ended);
  if (reason.empty()) return graph;
  if (graph != nullptr) cudaGraphDestroy(graph);
  return unsupported(fmt::format("the step can't be captured as a CUDA graph: {}", reason));
}

}  // namespace

Result<std::unique_ptr<StepGraph>> StepGraph::capture(const LaunchProgram& program, CudaDevice& device) {
  PIPELOOM_TRY(const cudaGraph_t graph, captured(program, device));
  size_t nodes = 0;
  cudaGraphExec_t executable = nullptr;
  cudaError_t result = cudaGraphGetNodes(graph, nullptr, &nodes);
  if (result == cudaSuccess) result = cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphDestroy(graph);
  if (result != cudaSuccess) {
    cudaGetLastError();
    return unsupported(fmt::format("the step's CUDA graph can't be made ready: {}", cudaGetErrorString(result)));
  }
  return std::unique_ptr<StepGraph>(new StepGraph(executable, nodes));
}

StepGraph::~StepGraph() {
  cudaGraphExecDestroy(executable_);
}

void StepGraph::replay(cudaStream_t stream) const {
  PIPELOOM_CUDA_CHECK(cudaGraphLaunch(executable_, stream));
}

}  // namespace pipeloom::backend
