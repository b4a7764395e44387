#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <vector>

#include "backend/device/program/kernel_spans.h"
#include "backend/device/program/launch_observer.h"

namespace pipeloom::backend {

// Times launches by events of their streams, where CUPTI can't be had: to about a microsecond, with the time that the
// stream waits between launches but without its waits for other streams. Made for one step that is issued launch by
// launch.
class EventTrace : public LaunchObserver {
 public:
  // `origin`: the stream on which the step begins; times count from here.
  explicit EventTrace(cudaStream_t origin);
  ~EventTrace() override;
  EventTrace(const EventTrace&) = delete;
  EventTrace& operator=(const EventTrace&) = delete;

  void begins(const Launch& launch, cudaStream_t stream) override;
  void ends(const Launch& launch, cudaStream_t stream) override;

  // When the step has ended: one record for each launch, by its first task.
  std::vector<KernelRecord> records() const;

 private:
  struct Timed {
    uint32_t task = 0;
    cudaEvent_t begin = nullptr;
    cudaEvent_t end = nullptr;
  };

  cudaEvent_t start_ = nullptr;
  std::vector<Timed> timed_;
};

}  // namespace pipeloom::backend
