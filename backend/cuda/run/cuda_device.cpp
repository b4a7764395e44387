#include "backend/cuda/run/cuda_device.h"

#include "backend/cuda/cuda_check.h"

namespace pipeloom::backend {

CudaDevice::CudaDevice(const LaunchProgram& program, Transfers transfers, SmContexts& contexts, Run run)
    : events_(program.events, nullptr), run_(std::move(run)) {
  for (const LaunchStream& stream : program.streams) {
    const int rank = transfers == Transfers::kCopies ? stream.rank : 0;
    const bool communication = stream.lane != Lane::kCompute;
    places_.push_back({contexts.make_stream(rank, communication), contexts.sms(rank, communication)});
  }
  places_.push_back({contexts.make_stream(0, false), contexts.sms(0, false)});
  for (cudaEvent_t& event : events_) {
    PIPELOOM_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  }
}

CudaDevice::~CudaDevice() {
  for (const cudaEvent_t event : events_) {
    if (event != nullptr) cudaEventDestroy(event);
  }
}

void CudaDevice::launch(uint32_t stream, const Launch& launch) {
  const SmStream& place = places_[stream];
  if (observer_ != nullptr) observer_->begins(launch, place.stream);
  run_(launch, place);
  if (observer_ != nullptr) observer_->ends(launch, place.stream);
}

void CudaDevice::record(uint32_t stream, uint32_t event) {
  PIPELOOM_CUDA_CHECK(cudaEventRecord(events_[event], places_[stream].stream));
}

void CudaDevice::wait(uint32_t stream, uint32_t event) {
  PIPELOOM_CUDA_CHECK(cudaStreamWaitEvent(places_[stream].stream, events_[event], cudaEventWaitDefault));
}

bool CudaDevice::happened(uint32_t event) const {
  const cudaError_t state = cudaEventQuery(events_[event]);
  if (state == cudaErrorNotReady) return false;
  PIPELOOM_CUDA_CHECK(state);
  return true;
}

}  // namespace pipeloom::backend
