#include "backend/cuda/run/training_launcher.h"

#include <cuda_runtime_api.h>

#include "backend/cuda/check.h"
#include "backend/cuda/model/gpu_trainable.h"
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
    trainer_.use(static_cast<std::byte*>(memory_));
    for (const GpuUpload& upload : trainer_.initial()) {
      PIPELOOM_CUDA_CHECK(cudaMemcpy(upload.to, upload.from.data(), upload.from.size(), cudaMemcpyHostToDevice));
    }
    // Copies from pageable memory may still be on their way when they return, and the step's streams don't wait for the
    // default one.
    PIPELOOM_CUDA_CHECK(cudaDeviceSynchronize());
  }
  ~TrainingLauncher() override { cudaFree(memory_); }
  TrainingLauncher(const TrainingLauncher&) = delete;
  TrainingLauncher& operator=(const TrainingLauncher&) = delete;

  void begin_step(int64_t step, cudaStream_t stream) override {
    // From memory that is not pinned: the call has read it when it returns.
    for (const GpuUpload& upload : trainer_.step_uploads(step)) {
      PIPELOOM_CUDA_CHECK(
          cudaMemcpyAsync(upload.to, upload.from.data(), upload.from.size(), cudaMemcpyHostToDevice, stream));
    }
    if (!prepared_) trainer_.prepare({stream, 1});
    prepared_ = true;
    trainer_.begin_step({stream, 1});
  }

  void launch(const RankTask& task, const LaunchPlace& place) override { trainer_.launch(task, stream_of(place)); }
  void pack(const RankTask& task, const LaunchPlace& place) override { trainer_.pack(task, stream_of(place)); }
  ExchangeBytes packages(const RankTask& /*task*/) override {
    return {bytes_of(trainer_.send_packages()), bytes_of(trainer_.receive_packages())};
  }
  void unpack(const RankTask& task, const LaunchPlace& place) override { trainer_.unpack(task, stream_of(place)); }

  DeviceBytes outgoing(const RankTask& send) override { return bytes_of(trainer_.outgoing(send)); }
  DeviceBytes incoming(const RankTask& receive) override { return bytes_of(trainer_.incoming(receive)); }

  Gradients gradients(const RankTask& reduction) override {
    Gradients gradients;
    gradients.shared.push_back(bytes_of(trainer_.shared_gradients(reduction)));
    const DeviceBytes routed = bytes_of(trainer_.routed_gradients(reduction));
    if (routed.size_bytes > 0) gradients.routed.push_back(routed);
    return gradients;
  }

  std::map<int, double> losses() override {
    std::map<int, double> losses;
    for (const auto& [micro_batch, place] : trainer_.losses()) {
      PIPELOOM_CUDA_CHECK(cudaMemcpy(&losses[micro_batch], place, sizeof(double), cudaMemcpyDeviceToHost));
    }
    return losses;
  }

 private:
  LtProducts products_;
  GpuTrainer trainer_;
  void* memory_ = nullptr;
  bool prepared_ = false;
};

// For a trainer that only measures.
class NoProducts : public ProductRunner {
 public:
  void multiply(const SmStream& /*stream*/, const ProductDescription& /*product*/,
                const ProductOperands& /*operands*/) override {
    PIPELOOM_CHECK(false);
  }
};

}  // namespace

LauncherSource training_launchers(const Plan& plan, const TextTokens& text, const TrainingOptions& options) {
  LauncherSource source;
  source.memory_bytes = [&](const RankProgram& program, RunRank rank) -> Result<int64_t> {
    PIPELOOM_CHECK_OK(check_gpu_trainable(plan.job));
    NoProducts none;
    return GpuTrainer(plan, program, rank, text, options, none).memory_bytes() + kProductWorkspaceBytes;
  };
  source.make = [&](const RankProgram& program, RunRank rank) -> Result<std::unique_ptr<TaskLauncher>> {
    PIPELOOM_CHECK_OK(check_gpu_trainable(plan.job));
    return std::make_unique<TrainingLauncher>(plan, program, rank, text, options);
  };
  return source;
}

}  // namespace pipeloom
