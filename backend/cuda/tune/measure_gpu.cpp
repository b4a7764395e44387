#include "backend/cuda/tune/measure_gpu.h"

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/cuda_error.h"
#include "backend/cuda/products/lt_products.h"
#include "backend/cuda/tune/gpu_timer.h"
#include "backend/cuda/tune/l2_metrics.h"
#include "backend/cuda/tune/range_counters.h"
#include "backend/device/measure/measure.h"

namespace pipeloom::backend {

namespace {

class L2OfGpu : public L2Counter {
 public:
  explicit L2OfGpu(std::unique_ptr<RangeCounters> counters) : counters_(std::move(counters)) {}

  Result<MeasuredL2> count(const std::function<void()>& work) override {
    PIPELOOM_TRY(const std::vector<double> values, counters_->count(work));
    return l2_of(values);
  }

 private:
  std::unique_ptr<RangeCounters> counters_;
};

// The current GPU.
class MeasuredGpu : public MeasuredDevice {
 public:
  explicit MeasuredGpu(int device) {
    PIPELOOM_CUDA_CHECK(cudaSetDevice(device));
    PIPELOOM_CUDA_CHECK(cudaDeviceGetAttribute(&sms_, cudaDevAttrMultiProcessorCount, device));
  }

  int sms() const override { return sms_; }
  std::shared_ptr<std::byte> allocate(int64_t size_bytes) override {
    const auto memory = std::make_shared<GpuMemory>(size_bytes);
    return {memory, memory->as<std::byte>()};
  }
  void copy_to_device(const void* host, void* device, int64_t size_bytes) override {
    PIPELOOM_CUDA_CHECK(cudaMemcpy(device, host, static_cast<size_t>(size_bytes), cudaMemcpyHostToDevice));
  }
  std::unique_ptr<StreamTimer> make_timer(bool urgent) override { return std::make_unique<GpuTimer>(urgent); }
  void wait_for(StreamHandle stream) override { PIPELOOM_CUDA_CHECK(cudaStreamSynchronize(stream)); }
  std::unique_ptr<ProductRunner> make_products() override { return std::make_unique<LtProducts>(); }
  Result<std::unique_ptr<L2Counter>> make_l2_counter() override {
    PIPELOOM_TRY(auto counters, RangeCounters::create(l2_metrics()));
    return std::make_unique<L2OfGpu>(std::move(counters));
  }

 private:
  int sms_ = 0;
};

}  // namespace

Result<TuneMeasurements> measure_gpu(int device, const std::function<void(const std::string&)>& on_progress) {
  try {
    MeasuredGpu gpu(device);
    return measure(gpu, on_progress);
  } catch (const CudaError& error) {
    return fail(ErrorCode::kIo, error.what());
  }
}

}  // namespace pipeloom::backend
