// Graphs of the CUDA runtime.
#include <cuda_runtime_api.h>

#include "tests/backend/cuda/emulation/runtime/streams.h"

using namespace pipeloom::emulation;  // NOLINT: the runtime's own functions

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  if (graph == nullptr || nodes != nullptr) return returned(cudaErrorInvalidValue);
  *count = graph->nodes.size();
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long /*flags*/) {
  if (graph == nullptr) return returned(cudaErrorInvalidValue);
  *executable = new CUgraphExec_st{*graph, nullptr};
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const auto lock = machine().lock();
  delete executable;
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t handle) {
  const auto lock = machine().lock();
  const cudaStream_t stream = stream_of(handle);
  if (stream == nullptr || stream->capture) return returned(cudaErrorInvalidResourceHandle);
  return returned(launch_graph_on(*executable, stream));
}
