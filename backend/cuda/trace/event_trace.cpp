#include "backend/cuda/trace/event_trace.h"

#include "backend/cuda/cuda_check.h"

namespace pipeloom::backend {

namespace {

cudaEvent_t recorded(cudaStream_t stream) {
  cudaEvent_t event = nullptr;
  PIPELOOM_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDefault));
  PIPELOOM_CUDA_CHECK(cudaEventRecord(event, stream));
  return event;
}

}  // namespace

EventTrace::EventTrace(cudaStream_t origin) : start_(recorded(origin)) {}

EventTrace::~EventTrace() {
  cudaEventDestroy(start_);
  for (const Timed& timed : timed_) {
    cudaEventDestroy(timed.begin);
    if (timed.end != nullptr) cudaEventDestroy(timed.end);
  }
}

void EventTrace::begins(const Launch& launch, cudaStream_t stream) {
  timed_.push_back({launch.tasks.front(), recorded(stream), nullptr});
}

void EventTrace::ends(const Launch& /*launch*/, cudaStream_t stream) {
  timed_.back().end = recorded(stream);
}

std::vector<KernelRecord> EventTrace::records() const {
  const auto since_start_ns = [&](cudaEvent_t event) {
    float ms = 0;
    PIPELOOM_CUDA_CHECK(cudaEventElapsedTime(&ms, start_, event));
    return static_cast<int64_t>(static_cast<double>(ms) * 1e6);
  };
  std::vector<KernelRecord> records;
  for (const Timed& timed : timed_) {
    records.push_back({timed.task, since_start_ns(timed.begin), since_start_ns(timed.end)});
  }
  return records;
}

}  // namespace pipeloom::backend
