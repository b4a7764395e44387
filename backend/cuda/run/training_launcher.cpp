#include "backend/cuda/run/training_launcher.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "backend/cuda/cuda_check.h"
#include "backend/device/model/gpu_trainable.h"
#include "backend/device/model/gpu_trainer.h"
#include "backend/cuda/products/lt_products.h"

namespace pipeloom::backend {

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
      : clipping_(plan.job.clipping), trainer_(plan, program, rank, text, options, products_) {
    PIPELOOM_CUDA_CHECK(cudaMalloc(&memory_, static_cast<size_t>(trainer_.memory_bytes())));
    trainer_.use(static_cast<std::byte*>(memory_));
    for (const GpuUpload& upload : trainer_.initial()) {
      PIPELOOM_CUDA_CHECK(cudaMemcpy(upload.to, upload.from.data(), upload.from.size(), cudaMemcpyHostToDevice));
    }
    // Copies from pageable memory may still be on their way when they return, and the step's streams don't wait for the
    // default one.
    PIPELOOM_CUDA_CHECK(cudaDeviceSynchronize());
    if (plan.job.ema_decay == 0) return;
    averages_ = trainer_.make_averages();
    const auto bytes = static_cast<size_t>(averages_->numbers()) * sizeof(float);
    PIPELOOM_CUDA_CHECK(cudaMallocHost(reinterpret_cast<void**>(&host_weights_), bytes));
  }
  ~TrainingLauncher() override {
    cudaFree(memory_);
    cudaFreeHost(host_weights_);
  }
  TrainingLauncher(const TrainingLauncher&) = delete;
  TrainingLauncher& operator=(const TrainingLauncher&) = delete;

  void begin_step(int64_t step, cudaStream_t stream) override {
    step_ = step;
    // From memory that is not pinned: the call has read it when it returns.
    for (const GpuUpload& upload : trainer_.step_uploads(step)) {
      PIPELOOM_CUDA_CHECK(
          cudaMemcpyAsync(upload.to, upload.from.data(), upload.from.size(), cudaMemcpyHostToDevice, stream));
    }
    if (!prepared_) trainer_.prepare({stream, 1});
    prepared_ = true;
    trainer_.begin_step({stream, 1});
  }

  void launch(const RankTask& task, const LaunchPlace& place) override {
    if (task.task.key.kind == TaskKind::kEma) return average(place.stream);
    trainer_.launch(task, stream_of(place));
  }
  void pack(const RankTask& task, const LaunchPlace& place) override { trainer_.pack(task, stream_of(place)); }
  ExchangeBytes packages(const RankTask& task) override {
    return {bytes_of(trainer_.send_packages(task)), bytes_of(trainer_.receive_packages(task))};
  }
  void unpack(const RankTask& task, const LaunchPlace& place) override { trainer_.unpack(task, stream_of(place)); }

  DeviceBytes outgoing(const RankTask& send) override { return bytes_of(trainer_.outgoing(send)); }
  DeviceBytes incoming(const RankTask& receive) override { return bytes_of(trainer_.incoming(receive)); }

  Gradients gradients(const RankTask& reduction) override {
    Gradients gradients;
    gradients.shared.push_back(bytes_of(trainer_.shared_gradients(reduction)));
    const DeviceBytes routed = bytes_of(trainer_.routed_gradients(reduction));
    if (routed.size_bytes > 0) gradients.routed.push_back(routed);
    const GpuTrainer::TokenGradients tokens = trainer_.token_gradients(reduction);
    gradients.tokens = bytes_of(tokens.own);
    gradients.token_sum = bytes_of(tokens.sum);
    return gradients;
  }

  void add_squares(const RankTask& reduction, const LaunchPlace& place) override {
    trainer_.add_squares(reduction, stream_of(place));
  }
  DeviceBytes squares() override { return bytes_of(trainer_.squares()); }
  void total(const std::vector<DeviceBytes>& squares, const LaunchPlace& place) override {
    std::vector<GpuTrainer::Range> ranges;
    for (const DeviceBytes& one : squares) ranges.push_back({one.data, one.size_bytes});
    trainer_.total(ranges, stream_of(place));
  }
  DeviceBytes total_squares() override { return bytes_of(trainer_.total_squares()); }
  void clip(const LaunchPlace& place) override { trainer_.clip(stream_of(place)); }

  std::vector<SharedWeights> shared_weights() override { return trainer_.shared_weights(); }
  void round_weights(const LaunchPlace& place) override { trainer_.prepare(stream_of(place)); }

  Status step_ended() override {
    if (clipping_ == Clipping::kNone) return {};
    double squares = 0;
    PIPELOOM_CUDA_CHECK(cudaMemcpy(&squares, trainer_.total_squares().data, sizeof squares, cudaMemcpyDeviceToHost));
    if (std::isfinite(squares)) return {};
    return invalid(fmt::format("step {}: a gradient is not finite; the weights are those before the step", step_));
  }

  HostChunks host_chunks() override { return trainer_.host_chunks(); }
  void save(HostChunks& chunks) override {
    for (const GpuTrainer::Transfer& one : trainer_.transfers(chunks)) {
      PIPELOOM_CUDA_CHECK(cudaMemcpy(one.host, one.gpu, static_cast<size_t>(one.size_bytes), cudaMemcpyDeviceToHost));
    }
    if (averages_) averages_->save(chunks);
  }
  void restore(const HostChunks& chunks) override {
    for (const GpuTrainer::Transfer& one : trainer_.transfers(chunks)) {
      PIPELOOM_CUDA_CHECK(cudaMemcpy(one.gpu, one.host, static_cast<size_t>(one.size_bytes), cudaMemcpyHostToDevice));
    }
    if (averages_) averages_->restore(chunks);
    PIPELOOM_CUDA_CHECK(cudaDeviceSynchronize());
  }

  uint64_t averages_digest() override {
    for (const GpuAverages::Copy& copy : averages_->copies(host_weights_)) {
      PIPELOOM_CUDA_CHECK(cudaMemcpy(copy.to, copy.from, size_of(copy), cudaMemcpyDeviceToHost));
    }
    averages_->update(host_weights_);
    return averages_->digest();
  }

  ExpertCounts expert_counts() override {
    ExpertCounts counts;
    for (const GpuTrainer::ExpertLoads& loads : trainer_.expert_loads()) {
      std::vector<int64_t> tokens(static_cast<size_t>(loads.experts));
      PIPELOOM_CUDA_CHECK(
          cudaMemcpy(tokens.data(), loads.tokens, tokens.size() * sizeof(int64_t), cudaMemcpyDeviceToHost));
      add_counts({{loads.layer, std::move(tokens)}}, counts);
    }
    return counts;
  }

  Losses losses() override {
    Losses losses;
    std::vector<double> sums(static_cast<size_t>(1 + trainer_.mtp_modules()));
    for (const auto& [micro_batch, place] : trainer_.losses()) {
      PIPELOOM_CUDA_CHECK(cudaMemcpy(sums.data(), place, sums.size() * sizeof(double), cudaMemcpyDeviceToHost));
      losses.main[micro_batch] = sums[0];
      losses.mtp[micro_batch] = std::accumulate(sums.begin() + 1, sums.end(), 0.0);
    }
    return losses;
  }

 private:
  static size_t size_of(const GpuAverages::Copy& copy) { return static_cast<size_t>(copy.count) * sizeof(float); }

  // The GPU copies, a thread of CUDA's updates: both beside the step.
  void average(cudaStream_t stream) {
    for (const GpuAverages::Copy& copy : averages_->copies(host_weights_)) {
      PIPELOOM_CUDA_CHECK(cudaMemcpyAsync(copy.to, copy.from, size_of(copy), cudaMemcpyDeviceToHost, stream));
    }
    const auto update = [](void* launcher) { static_cast<TrainingLauncher*>(launcher)->update_averages(); };
    PIPELOOM_CUDA_CHECK(cudaLaunchHostFunc(stream, update, this));
  }
  // Before the first step there is nothing new.
  void update_averages() {
    if (step_ > 0) averages_->update(host_weights_);
  }

  Clipping clipping_;
  LtProducts products_;
  GpuTrainer trainer_;
  void* memory_ = nullptr;
  bool prepared_ = false;
  int64_t step_ = 0;
  std::unique_ptr<GpuAverages> averages_;
  float* host_weights_ = nullptr;  // pinned, so that the GPU copies by itself
};

// For a trainer that only measures.
class NoProducts : public ProductRunner {
 public:
  void multiply(const SmStream& /*stream*/, const ProductDescription& /*product*/,
                const ProductOperands& /*operands*/) override {
    PIPELOOM_THROW_UNLESS(false);
  }
};

}  // namespace

LauncherSource training_launchers(const Plan& plan, const TextTokens& text, const TrainingOptions& options) {
  LauncherSource source;
  source.memory_bytes = [&](const RankProgram& program, RunRank rank) -> Result<int64_t> {
    PIPELOOM_RETURN_IF_ERROR(check_gpu_trainable(plan.job));
    NoProducts none;
    return GpuTrainer(plan, program, rank, text, options, none).memory_bytes() + kProductWorkspaceBytes;
  };
  source.make = [&](const RankProgram& program, RunRank rank) -> Result<std::unique_ptr<TaskLauncher>> {
    PIPELOOM_RETURN_IF_ERROR(check_gpu_trainable(plan.job));
    return std::make_unique<TrainingLauncher>(plan, program, rank, text, options);
  };
  source.identity = [&](int rank) { return checkpoint_identity(plan, text, options, rank); };
  return source;
}

}  // namespace pipeloom::backend
