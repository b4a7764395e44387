#include "backend/device/run/training_launcher.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "backend/device/model/gpu_trainable.h"
#include "backend/device/model/gpu_trainer.h"
#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

class TrainingLauncher : public TaskLauncher {
 public:
  TrainingLauncher(const Plan& plan, const RankProgram& program, RunRank rank, const TextTokens& text,
                   const TrainingOptions& options, DeviceLibrary& library)
      : clipping_(plan.job.clipping),
        library_(library),
        products_(library.make_products()),
        trainer_(plan, program, rank, text, options, *products_),
        memory_(library.allocate(trainer_.memory_bytes())) {
    trainer_.use(memory_.get());
    for (const GpuUpload& upload : trainer_.initial())
      library_.copy_to_device(upload.from.data(), upload.to, size_of(upload));
    // Copies from pageable memory may still be on their way when they return, and the step's streams don't wait for the
    // default one.
    library_.wait_for_all();
    if (plan.job.ema_decay == 0) return;
    averages_ = trainer_.make_averages();
    host_memory_ = library_.allocate_on_host(averages_->numbers() * static_cast<int64_t>(sizeof(float)));
  }

  void begin_step(int64_t step, StreamHandle stream) override {
    step_ = step;
    for (const GpuUpload& upload : trainer_.step_uploads(step)) {
      library_.enqueue_to_device(stream, upload.from.data(), upload.to, size_of(upload));
    }
    if (!prepared_) trainer_.prepare({stream, 1});
    prepared_ = true;
    trainer_.begin_step({stream, 1});
  }

  void launch(const RankTask& task, const SmStream& place) override {
    if (task.task.key.kind == TaskKind::kEma) return average(place.stream);
    trainer_.launch(task, place);
  }
  void pack(const RankTask& task, const SmStream& place) override { trainer_.pack(task, place); }
  ExchangeBytes packages(const RankTask& task) override {
    return {trainer_.send_packages(task), trainer_.receive_packages(task)};
  }
  void unpack(const RankTask& task, const SmStream& place) override { trainer_.unpack(task, place); }

  DeviceBytes outgoing(const RankTask& send) override { return trainer_.outgoing(send); }
  DeviceBytes incoming(const RankTask& receive) override { return trainer_.incoming(receive); }

  Gradients gradients(const RankTask& reduction) override {
    Gradients gradients;
    gradients.shared.push_back(trainer_.shared_gradients(reduction));
    const DeviceBytes routed = trainer_.routed_gradients(reduction);
    if (routed.size_bytes > 0) gradients.routed.push_back(routed);
    const GpuTrainer::TokenGradients tokens = trainer_.token_gradients(reduction);
    gradients.tokens = tokens.own;
    gradients.token_sum = tokens.sum;
    return gradients;
  }

  void add_squares(const RankTask& reduction, const SmStream& place) override {
    trainer_.add_squares(reduction, place);
  }
  DeviceBytes squares() override { return trainer_.squares(); }
  void total(const std::vector<DeviceBytes>& squares, const SmStream& place) override {
    trainer_.total(squares, place);
  }
  DeviceBytes total_squares() override { return trainer_.total_squares(); }
  void clip(const SmStream& place) override { trainer_.clip(place); }

  std::vector<SharedWeights> shared_weights() override { return trainer_.shared_weights(); }
  void round_weights(const SmStream& place) override { trainer_.prepare(place); }

  Status step_ended() override {
    if (clipping_ == Clipping::kNone) return {};
    double squares = 0;
    library_.copy_to_host(trainer_.total_squares().data, &squares, sizeof squares);
    if (std::isfinite(squares)) return {};
    return invalid(fmt::format("step {}: a gradient is not finite; the weights are those before the step", step_));
  }

  HostChunks host_chunks() override { return trainer_.host_chunks(); }
  void save(HostChunks& chunks) override {
    for (const GpuTrainer::Transfer& one : trainer_.transfers(chunks)) {
      library_.copy_to_host(one.gpu, one.host, one.size_bytes);
    }
    if (averages_) averages_->save(chunks);
  }
  void restore(const HostChunks& chunks) override {
    for (const GpuTrainer::Transfer& one : trainer_.transfers(chunks)) {
      library_.copy_to_device(one.host, one.gpu, one.size_bytes);
    }
    if (averages_) averages_->restore(chunks);
    library_.wait_for_all();
  }

  uint64_t averages_digest() override {
    for (const GpuAverages::Copy& copy : averages_->copies(host_weights())) {
      library_.copy_to_host(copy.from, copy.to, size_of(copy));
    }
    averages_->update(host_weights());
    return averages_->digest();
  }

  ExpertCounts expert_counts() override {
    ExpertCounts counts;
    for (const GpuTrainer::ExpertLoads& loads : trainer_.expert_loads()) {
      std::vector<int64_t> tokens(static_cast<size_t>(loads.experts));
      library_.copy_to_host(loads.tokens, tokens.data(), loads.experts * static_cast<int64_t>(sizeof(int64_t)));
      add_counts({{loads.layer, std::move(tokens)}}, counts);
    }
    return counts;
  }

  Losses losses() override {
    Losses losses;
    std::vector<double> sums(static_cast<size_t>(1 + trainer_.mtp_modules()));
    for (const auto& [micro_batch, place] : trainer_.losses()) {
      library_.copy_to_host(place, sums.data(), static_cast<int64_t>(sums.size() * sizeof(double)));
      losses.main[micro_batch] = sums[0];
      losses.mtp[micro_batch] = std::accumulate(sums.begin() + 1, sums.end(), 0.0);
    }
    return losses;
  }

 private:
  static int64_t size_of(const GpuAverages::Copy& copy) { return copy.count * static_cast<int64_t>(sizeof(float)); }
  static int64_t size_of(const GpuUpload& upload) { return static_cast<int64_t>(upload.from.size()); }
  float* host_weights() const { return reinterpret_cast<float*>(host_memory_.get()); }

  // The device copies, a thread of its library's updates: both beside the step.
  void average(StreamHandle stream) {
    for (const GpuAverages::Copy& copy : averages_->copies(host_weights())) {
      library_.enqueue_to_host(stream, copy.from, copy.to, size_of(copy));
    }
    const auto update = [](void* launcher) { static_cast<TrainingLauncher*>(launcher)->update_averages(); };
    library_.enqueue_on_host(stream, update, this);
  }
  // Before the first step there is nothing new.
  void update_averages() {
    if (step_ > 0) averages_->update(host_weights());
  }

  Clipping clipping_;
  DeviceLibrary& library_;
  std::unique_ptr<ProductRunner> products_;
  GpuTrainer trainer_;  // works with the products
  bool prepared_ = false;
  int64_t step_ = 0;
  std::unique_ptr<GpuAverages> averages_;   // of the trainer's chunks
  std::shared_ptr<std::byte> host_memory_;  // of the averages' weights
  // The last member is destroyed first. Freeing this memory waits for the device, which may still copy to the host's
  // memory, call update_averages and use the products' workspace after a step that was given up.
  std::shared_ptr<std::byte> memory_;
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

LauncherSource training_launchers(const Plan& plan, const TextTokens& text, const TrainingOptions& options,
                                  DeviceLibrary& library) {
  LauncherSource source;
  source.memory_bytes = [&](const RankProgram& program, RunRank rank) -> Result<int64_t> {
    PIPELOOM_RETURN_IF_ERROR(check_gpu_trainable(plan.job));
    NoProducts none;
    return GpuTrainer(plan, program, rank, text, options, none).memory_bytes() + kProductWorkspaceBytes;
  };
  source.make = [&](const RankProgram& program, RunRank rank) -> Result<std::unique_ptr<TaskLauncher>> {
    PIPELOOM_RETURN_IF_ERROR(check_gpu_trainable(plan.job));
    return std::make_unique<TrainingLauncher>(plan, program, rank, text, options, library);
  };
  source.identity = [&](int rank) { return checkpoint_identity(plan, text, options, rank); };
  return source;
}

}  // namespace pipeloom::backend
