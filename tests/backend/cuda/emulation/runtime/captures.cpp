// Captures of streams as graphs.
#include <algorithm>

#include "tests/backend/cuda/emulation/runtime/streams.h"

using namespace pipeloom::emulation;  // NOLINT: the runtime's own functions

namespace {

void leave_capture(Capture& capture) {
  for (const cudaStream_t stream : capture.streams) {
    if (!handles().streams.contains(stream)) continue;
    stream->capture.reset();
    stream->frontier.clear();
  }
  capture.ended = true;
}

// Whether every node has something after it, or ends the origin.
bool is_joined(const CUgraph_st& graph, const std::vector<size_t>& ends) {
  std::vector<bool> followed(graph.nodes.size(), false);
  for (const CUgraph_st::Node& node : graph.nodes) {
    for (const size_t other : node.after) followed[other] = true;
  }
  for (const size_t node : ends) followed[node] = true;
  return std::ranges::count(followed, false) == 0;
}

}  // namespace

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  const auto lock = machine().lock();
  if (mode != cudaStreamCaptureModeThreadLocal) return returned(cudaErrorNotSupported);
  if (!handles().streams.contains(stream)) return returned(cudaErrorStreamCaptureUnsupported);
  if (stream->capture) return returned(cudaErrorIllegalState);
  stream->capture = std::make_shared<Capture>();
  stream->capture->origin = stream;
  stream->capture->thread = std::this_thread::get_id();
  stream->capture->streams.push_back(stream);
  handles().capturing.insert(stream);
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const auto lock = machine().lock();
  *graph = nullptr;
  if (!handles().streams.contains(stream) || !stream->capture) return returned(cudaErrorIllegalState);
  const std::shared_ptr<Capture> capture = stream->capture;
  if (capture->origin != stream) return returned(cudaErrorStreamCaptureUnmatched);
  if (capture->thread != std::this_thread::get_id()) return returned(cudaErrorStreamCaptureWrongThread);
  const bool joined = is_joined(*capture->graph, stream->frontier);
  leave_capture(*capture);
  handles().capturing.erase(stream);
  if (capture->invalid) return returned(cudaErrorStreamCaptureInvalidated);
  if (!joined) return returned(cudaErrorStreamCaptureUnjoined);
  *graph = capture->graph.release();
  return cudaSuccess;
}
