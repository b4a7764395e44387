// Events of the CUDA runtime.
#include <algorithm>

#include "tests/backend/cuda/emulation/runtime/streams.h"

using namespace pipeloom::emulation;  // NOLINT: the runtime's own functions

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  const auto lock = machine().lock();
  auto made = std::make_unique<CUevent_st>();
  made->device = current_device();
  made->timed = (flags & cudaEventDisableTiming) == 0;
  *event = *handles().events.insert(made.release()).first;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const auto lock = machine().lock();
  if (handles().events.erase(event) == 0) return returned(cudaErrorInvalidResourceHandle);
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  const auto lock = machine().lock();
  const cudaStream_t stream = stream_of(handle);
  if (stream == nullptr || !handles().events.contains(event) || stream->device != event->device) {
    return returned(cudaErrorInvalidResourceHandle);
  }
  event->capture = stream->capture;
  if (stream->capture) {
    if (stream->capture->invalid) return returned(cudaErrorStreamCaptureInvalidated);
    event->frontier = stream->frontier;
    return cudaSuccess;
  }
  return returned(enqueue(stream, {}, &event->last));
}

namespace {

cudaError_t check_recorded(cudaEvent_t event) {
  if (!handles().events.contains(event)) return cudaErrorInvalidResourceHandle;
  if (!event->capture) return cudaSuccess;
  event->capture->invalid = true;
  return cudaErrorCapturedEvent;
}

}  // namespace

cudaError_t cudaEventQuery(cudaEvent_t event) {
  const auto lock = machine().lock();
  if (const cudaError_t error = check_recorded(event); error != cudaSuccess) return returned(error);
  machine().progress();
  if (const cudaError_t error = machine().error(event->device); error != cudaSuccess) return returned(error);
  if (event->last && !event->last->ended) return cudaErrorNotReady;
  if (event->last) {
    int64_t& host_ns = machine().host_ns(event->device);
    host_ns = std::max(host_ns, event->last->end_ns);
  }
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  auto lock = machine().lock();
  if (const cudaError_t error = check_recorded(event); error != cudaSuccess) return returned(error);
  return returned(machine().wait_for(lock, event->last, "cudaEventSynchronize"));
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start, cudaEvent_t end) {
  const auto lock = machine().lock();
  for (const cudaEvent_t event : {start, end}) {
    if (const cudaError_t error = check_recorded(event); error != cudaSuccess) return returned(error);
    if (!event->last || !event->timed) return returned(cudaErrorInvalidResourceHandle);
    if (!event->last->ended) return cudaErrorNotReady;
  }
  *ms = static_cast<float>(static_cast<double>(end->last->end_ns - start->last->end_ns) / 1e6);
  return cudaSuccess;
}
