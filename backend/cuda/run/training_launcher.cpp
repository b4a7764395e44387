#include "backend/cuda/run/training_launcher.h"

#include <algorithm>

#include "backend/cuda/check.h"
#include "backend/cuda/model/gpu_trainer.h"
#include "backend/cuda/products/lt_products.h"

namespace pipeloom {

namespace {

DeviceBytes bytes_of(const GpuTrainer::Range& range) {
  return {range.data, range.size_bytes};
}

std::vector<DeviceBytes> bytes_of(const std::vector<GpuTrainer::Range>& ranges) {
  std::vector<DeviceBytes> result;
  for (const GpuTrainer::Range& range : ranges) result.push_back(bytes_of(range));
  return result;
}

SmStream stream_of(const LaunchPlace& place) {
  return {place.stream, place.sms};
}

class TrainingLauncher : public TaskLauncher {
 public:
  TrainingLauncher(const Plan& plan, const RankProgram& program, RunRank rank, const TextTokens& text,
                   const TrainingOptions& options)
      : trainer_(plan, program, rank, text, options, products_) {
    PIPELOOM_CUDA_CHECK(cudaMalloc(&memory_, static_cast<size_t>(trainer_.memory_bytes())));
    PIPELOOM_CUDA_CHECK(cudaMemset(memory_, 0, static_cast<size_t>(trainer_.memory_bytes())));
    trainer_.use(static_cast<std::byte*>(memory_));
    for (const GpuUpload& upload : trainer_.initial()) {
      PIPELOOM_CUDA_CHECK(cudaMemcpy(upload.to, upload.from.data(), upload.from.size(), cudaMemcpyHostToDevice));
    }
    PIPELOOM_CUDA_CHECK(cudaDeviceGetAttribute(&device_sms_, cudaDevAttrMultiProcessorCount, this_device()));
    PIPELOOM_CUDA_CHECK(cudaDeviceSynchronize());
  }
  ~TrainingLauncher() override { cudaFree(memory_); }

  void begin_step(int64_t step, cudaStream_t stream) override {
    const SmStream place{stream, device_sms_};
    if (!prepared_) trainer_.prepare(place);
    prepared_ = true;
    // The bytes stay until the step has ended: copies from pageable memory may still read them.
    uploads_ = trainer_.step_uploads(step);
    for (const GpuUpload& upload : uploads_) {
      PIPELOOM_CUDA_CHECK(
          cudaMemcpyAsync(upload.to, upload.from.data(), upload.from.size(), cudaMemcpyHostToDevice, stream));
    }
    trainer_.begin_step(place);
  }

  void launch(const RankTask& task, const LaunchPlace& place) override { trainer_.launch(task, stream_of(place)); }
  void pack(const RankTask& task, const LaunchPlace& place) override { trainer_.pack(task, stream_of(place)); }
  void unpack(const RankTask& task, const LaunchPlace& place) override { trainer_.unpack(task, stream_of(place)); }
  ExchangeBytes packages(const RankTask& /*task*/) override {
    return {bytes_of(trainer_.send_packages()), bytes_of(trainer_.receive_packages())};
  }

  DeviceBytes outgoing(const RankTask& send) override { return bytes_of(trainer_.outgoing(send)); }
  DeviceBytes incoming(const RankTask& receive) override { return bytes_of(trainer_.incoming(receive)); }

  Gradients gradients(const RankTask& reduction) override {
    Gradients gradients;
    gradients.shared.push_back(bytes_of(trainer_.shared_gradients(reduction)));
    if (const DeviceBytes routed = bytes_of(trainer_.routed_gradients(reduction)); routed.size_bytes > 0) {
      gradients.routed.push_back(routed);
    }
    return gradients;
  }

  std::map<int, double> losses() override {
    std::map<int, double> losses;
    for (const auto& [micro_batch, from] : trainer_.losses()) {
      PIPELOOM_CUDA_CHECK(cudaMemcpy(&losses[micro_batch], from, sizeof(double), cudaMemcpyDeviceToHost));
    }
    return losses;
  }

 private:
  static int this_device() {
    int device = 0;
    PIPELOOM_CUDA_CHECK(cudaGetDevice(&device));
    return device;
  }

  LtProducts products_;
  GpuTrainer trainer_;
  void* memory_ = nullptr;
  int device_sms_ = 0;
  bool prepared_ = false;
  std::vector<GpuUpload> uploads_;
};

// Measures memory, multiplies nothing.
class NoProducts : public ProductRunner {
 public:
  void multiply(const SmStream& /*stream*/, const ProductDescription& /*product*/,
                const ProductOperands& /*operands*/) override {}
};

}  // namespace

LauncherSource training_launchers(const Plan& plan, const TextTokens& text, const TrainingOptions& options) {
  LauncherSource source;
  source.memory_bytes = [&](const RankProgram& program, RunRank rank) -> Result<int64_t> {
    NoProducts products;
    return GpuTrainer(plan, program, rank, text, options, products).memory_bytes();
  };
  source.make = [&](const RankProgram& program, RunRank rank) -> Result<std::unique_ptr<TaskLauncher>> {
    return std::make_unique<TrainingLauncher>(plan, program, rank, text, options);
  };
  return source;
}

}  // namespace pipeloom
