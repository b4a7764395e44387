#include "tests/backend/cuda/emulation/runtime/streams.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "tests/backend/cuda/emulation/runtime/activities.h"

namespace pipeloom::emulation {

namespace {

thread_local int this_threads_device = 0;
thread_local cudaError_t last_error = cudaSuccess;

void reset_defaults(int devices) {
  handles().defaults.clear();
  for (int device = 0; device < devices; ++device) {
    auto stream = std::make_unique<CUstream_st>();
    stream->device = device;
    stream->is_default = true;
    stream->sms = all_sms();
    handles().defaults.push_back(std::move(stream));
  }
}

// The default stream comes after everything on blocking streams, and they after it (CUDA's legacy default stream).
std::vector<OpPtr> comes_after(cudaStream_t stream) {
  std::vector<OpPtr> after = std::exchange(stream->waits, {});
  after.push_back(stream->last);
  if (stream->is_default) {
    for (const cudaStream_t other : handles().streams) {
      if (other->blocking && other->device == stream->device) after.push_back(other->last);
    }
  } else if (stream->blocking) {
    after.push_back(handles().defaults[stream->device]->last);
  }
  return after;
}

}  // namespace

Handles& handles() {
  static Handles all;
  return all;
}

int current_device() {
  return this_threads_device;
}
void set_current_device(int device) {
  this_threads_device = device;
}

cudaError_t returned(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) last_error = error;
  return error;
}
cudaError_t take_last_error() {
  return std::exchange(last_error, cudaSuccess);
}

cudaError_t unsafe_call() {
  for (const cudaStream_t origin : handles().capturing) {
    if (origin->capture->thread != std::this_thread::get_id()) continue;
    origin->capture->invalid = true;
    return cudaErrorStreamCaptureUnsupported;
  }
  return cudaSuccess;
}

std::vector<int> all_sms() {
  std::vector<int> sms(kSms);
  std::iota(sms.begin(), sms.end(), 0);
  return sms;
}

cudaStream_t make_stream(int device, bool blocking, std::vector<int> sms) {
  auto stream = std::make_unique<CUstream_st>();
  stream->device = device;
  stream->blocking = blocking;
  stream->sms = std::move(sms);
  return *handles().streams.insert(stream.release()).first;
}

cudaStream_t stream_of(cudaStream_t handle) {
  if (handles().defaults.empty()) reset_defaults(machine().settings().devices);
  if (handle == nullptr || handle == cudaStreamLegacy) return handles().defaults[current_device()].get();
  return handles().streams.contains(handle) ? handle : nullptr;
}

void check_default_stream_is_idle(const Op& op) {
  const OpPtr& last = handles().defaults[op.device]->last;
  if (!op.work.apart || !last || last->ended) return;
  machine().complain(op.work.name + " runs while the default stream's " + last->work.name + " is under way");
}

void reset_streams(int devices) {
  for (const cudaStream_t stream : handles().streams) delete stream;
  for (const cudaEvent_t event : handles().events) delete event;
  handles() = {};
  reset_defaults(devices);
}

std::vector<std::string> leaked_streams() {
  std::vector<std::string> leaks;
  if (!handles().streams.empty()) leaks.push_back(std::to_string(handles().streams.size()) + " streams");
  if (!handles().events.empty()) leaks.push_back(std::to_string(handles().events.size()) + " events");
  return leaks;
}

cudaError_t enqueue(cudaStream_t stream, Work work, OpPtr* op) {
  if (work.sms.empty()) work.sms = stream->sms;
  work.correlation = next_correlation();
  work.apart = !stream->is_default && !stream->blocking;
  if (stream->capture) {
    if (stream->capture->invalid) return cudaErrorStreamCaptureInvalidated;
    CUgraph_st& graph = *stream->capture->graph;
    graph.nodes.push_back({std::move(work), stream->frontier});
    stream->frontier = {graph.nodes.size() - 1};
    return cudaSuccess;
  }
  if (machine().error(stream->device) != cudaSuccess) return machine().error(stream->device);
  stream->last = machine().add(std::move(work), stream->device, comes_after(stream));
  if (op != nullptr) *op = stream->last;
  // Work may begin at once, or much later.
  if (machine().settings().any_order && machine().random(8) == 0) machine().progress();
  return cudaSuccess;
}

cudaError_t launch_graph_on(CUgraphExec_st& graph, cudaStream_t stream) {
  std::vector<OpPtr> after = comes_after(stream);
  after.push_back(graph.last);
  const OpPtr begin = machine().add({}, stream->device, after);
  std::vector<OpPtr> ops;
  for (const CUgraph_st::Node& node : graph.graph.nodes) {
    std::vector<OpPtr> before = {begin};
    for (const size_t other : node.after) before.push_back(ops[other]);
    ops.push_back(machine().add(node.work, stream->device, before));
  }
  ops.push_back(begin);
  stream->last = graph.last = machine().add({}, stream->device, ops);
  return cudaSuccess;
}

}  // namespace pipeloom::emulation

using namespace pipeloom::emulation;  // NOLINT: the runtime's own functions follow

// --- streams ---

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  const auto lock = machine().lock();
  if (const cudaError_t error = unsafe_call(); error != cudaSuccess) return returned(error);
  *stream = make_stream(current_device(), flags != cudaStreamNonBlocking, all_sms());
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int /*priority*/) {
  return cudaStreamCreateWithFlags(stream, flags);
}

// What is on it still runs.
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const auto lock = machine().lock();
  if (handles().streams.erase(stream) == 0) return returned(cudaErrorInvalidResourceHandle);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  auto lock = machine().lock();
  const cudaStream_t stream = stream_of(handle);
  if (stream == nullptr) return returned(cudaErrorInvalidResourceHandle);
  if (stream->capture) {
    stream->capture->invalid = true;
    return returned(cudaErrorStreamCaptureUnsupported);
  }
  return returned(machine().wait_for(lock, stream->last, "cudaStreamSynchronize"));
}

cudaError_t cudaDeviceSynchronize() {
  auto lock = machine().lock();
  if (const cudaError_t error = unsafe_call(); error != cudaSuccess) return returned(error);
  return returned(machine().wait_for_device(lock, current_device(), "cudaDeviceSynchronize"));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned /*flags*/) {
  const auto lock = machine().lock();
  const cudaStream_t stream = stream_of(handle);
  if (stream == nullptr || !handles().events.contains(event)) return returned(cudaErrorInvalidResourceHandle);
  if (event->capture && !event->capture->ended) {
    if (stream->capture && stream->capture != event->capture) return returned(cudaErrorStreamCaptureMerge);
    if (!stream->capture) {
      stream->capture = event->capture;
      stream->capture->streams.push_back(stream);
      stream->frontier.clear();
    }
    stream->frontier.insert(stream->frontier.end(), event->frontier.begin(), event->frontier.end());
    return cudaSuccess;
  }
  if (event->capture) return returned(cudaErrorInvalidValue);
  if (stream->capture) {
    if (!event->last) return cudaSuccess;
    stream->capture->invalid = true;
    return returned(cudaErrorStreamCaptureIsolation);
  }
  if (event->last) stream->waits.push_back(event->last);
  return cudaSuccess;
}
