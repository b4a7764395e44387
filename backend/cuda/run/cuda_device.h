#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <vector>

#include "backend/cuda/green/sm_contexts.h"
#include "backend/device/program/device.h"
#include "backend/device/program/launch_lowering.h"
#include "backend/device/program/launch_observer.h"
#include "backend/device/run/task_launcher.h"

namespace pipeloom::backend {

// A launch program's streams and events on one GPU. A stream lies on its rank's SMs: computation on those to compute
// with, all other lanes on those for communication. The current device is the GPU's.
class CudaDevice : public Device {
 public:
  // Enqueues what a launch does.
  using Run = std::function<void(const Launch& launch, const SmStream& place)>;

  // `contexts` have a partition for every rank of the program, or, with kMessages, one. All arguments outlive it.
  CudaDevice(const LaunchProgram& program, Transfers transfers, SmContexts& contexts, Run run);
  ~CudaDevice() override;
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  void launch(uint32_t stream, const Launch& launch) override;
  void record(uint32_t stream, uint32_t event) override;
  void wait(uint32_t stream, uint32_t event) override;

  cudaStream_t origin() const { return places_.back().stream; }
  // Whether the event's last record has happened. Throws what the device reports.
  bool happened(uint32_t event) const;
  // Null: nobody is told.
  void observe(LaunchObserver* observer) { observer_ = observer; }

 private:
  std::vector<SmStream> places_;  // [stream], the origin last
  std::vector<cudaEvent_t> events_;
  Run run_;
  LaunchObserver* observer_ = nullptr;
};

}  // namespace pipeloom::backend
