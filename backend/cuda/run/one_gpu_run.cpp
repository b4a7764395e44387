#include "backend/cuda/run/one_gpu_run.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>

#include "backend/device/comm/copy.h"
#include "backend/cuda/cuda_check.h"
#include "backend/cuda/cuda_error.h"
#include "backend/cuda/run/gpu_checkpoints.h"
#include "backend/cuda/run/gpu_facts.h"
#include "backend/cuda/run/gpu_step.h"
#include "backend/device/run/one_gpu_tasks.h"
#include "backend/cuda/run/paced_tasks.h"
#include "backend/device/program/accesses.h"
#include "backend/device/setup/hand_over_choice.h"
#include "backend/device/program/launch_lowering.h"
#include "backend/model/training.h"
#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

class OneGpuRun {
 public:
  OneGpuRun(const GpuRun& run, int device)
      : run_(run), plan_(run.plan), launchers_(run.launchers), options_(run.options), device_number_(device) {}

  Result<GpuRunResult> run() {
    PIPELOOM_RETURN_IF_ERROR(check());
    PIPELOOM_RETURN_IF_ERROR(prepare());
    int64_t done = 0;
    if (checkpoints_) {
      PIPELOOM_TRY(done, checkpoints_->resume());
    }
    for (int64_t step = done; step < options_.steps; ++step) PIPELOOM_RETURN_IF_ERROR(run_step(step));
    add_expert_loads();
    if (options_.traced) PIPELOOM_RETURN_IF_ERROR(trace_step());
    for (const GpuRank& rank : ranks_) {
      if (!paced_ && plan_.job.ema_decay > 0) result_.averages_digest += rank.launcher->averages_digest();
    }
    result_.how = step_->how();
    if (paced_) result_.census = census_errors(paced_->census());
    return std::move(result_);
  }

 private:
  // --- before the first launch ---

  Status check() {
    if (plan_.job.layout.data > 1) {
      return unsupported(
          fmt::format("layout.data is {}: one GPU takes the ranks of one replica; --ranks mpi or tcp runs "
                      "one rank on each of several GPUs",
                      plan_.job.layout.data));
    }
    graph_ = launch_graph(plan_);
    int64_t bytes = 0;
    for (int rank = 0; rank < plan_.schedule.ranks(); ++rank) {
      ranks_.push_back({std::make_unique<RankProgram>(plan_.schedule, graph_, rank), nullptr});
      if (options_.paced) continue;
      PIPELOOM_TRY(const int64_t of_rank, launchers_.memory_bytes(*ranks_.back().program, {0, rank}));
      bytes += of_rank;
    }
    PIPELOOM_TRY(const DeviceFacts facts, facts_of(device_number_, false));
    PIPELOOM_RETURN_IF_ERROR(check_device(facts, needs_of_build(plan_.schedule.ranks(), bytes)));
    PIPELOOM_TRY(const SmRules rules, sm_rules_of(device_number_));
    PIPELOOM_TRY(result_.partition, plan_sm_partition(rules, plan_.schedule.ranks(), plan_.comm_sms));
    return {};
  }

  Status prepare() {
    PIPELOOM_TRY(program_, lower_launches(graph_, {}));
    // A bug in the lowering must not become wrong numbers.
    PIPELOOM_THROW_UNLESS(find_races(program_, task_accesses(plan_, graph_, Transfers::kCopies)).empty());
    PIPELOOM_TRY(contexts_, SmContexts::create(device_number_, result_.partition));
    if (options_.on_remark) options_.on_remark(fmt::format("one GPU: {}", describe(contexts_->partition())));
    CudaDevice::Run what;
    if (options_.paced) {
      paced_ = std::make_unique<PacedTasks>(graph_, program_, *contexts_);
      what = [this](const Launch& launch, const LaunchPlace& place) { paced_->run(launch, place); };
    } else {
      PIPELOOM_RETURN_IF_ERROR(make_launchers());
      what = [this](const Launch& launch, const LaunchPlace& place) { tasks_->run(launch, place); };
    }
    device_ = std::make_unique<CudaDevice>(program_, Transfers::kCopies, *contexts_, std::move(what));
    GpuStepOptions step;
    if (!options_.graphs) step.no_graphs = "as asked for";
    step.patience_ns = options_.patience_ns;
    step.name = [this](uint32_t task) { return name_of(task); };
    step_ = std::make_unique<GpuStep>(program_, graph_, *device_, std::move(step));
    return {};
  }

  Status make_launchers() {
    for (int rank = 0; rank < plan_.schedule.ranks(); ++rank) {
      PIPELOOM_TRY(ranks_[rank].launcher, launchers_.make(*ranks_[rank].program, {0, rank}));
    }
    std::vector<GpuCheckpoints::Rank> ranks;
    for (int rank = 0; rank < plan_.schedule.ranks(); ++rank) ranks.push_back({{0, rank}, *ranks_[rank].launcher});
    checkpoints_.emplace(run_, std::move(ranks), nullptr);
    tasks_ = std::make_unique<OneGpuTasks>(plan_, program_, ranks_, hand_over());
    return {};
  }

  // On the sender's communication SMs.
  OneGpuTasks::Move hand_over() const {
    const HandOverCopy how = hand_over_of(plan_, options_.copy);
    CopyOptions copy;
    copy.method = how.method;
    copy.piece_bytes = how.piece_bytes;
    copy.bytes_per_s = options_.link_bytes_per_s;
    return [copy](const RankTask& /*send*/, DeviceBytes from, DeviceBytes to, const LaunchPlace& place) {
      PIPELOOM_THROW_UNLESS(from.size_bytes == to.size_bytes);
      CopyOptions here = copy;
      here.sms = place.sms;
      copy_message({place.stream, place.sms}, from.data, to.data, from.size_bytes, here);
    };
  }

  std::string name_of(uint32_t number) const {
    for (const RankTask& task : ranks_[graph_.tasks()[number].key.rank].program->tasks()) {
      if (task.number == number) return fmt::format("rank {}: {}", task.task.key.rank, describe(task));
    }
    return "a task";
  }

  // --- steps ---

  void begin_step(int64_t step, cudaStream_t stream) {
    for (const GpuRank& rank : ranks_) {
      if (rank.launcher) rank.launcher->begin_step(step, stream);
    }
  }

  Status run_step(int64_t step) {
    PIPELOOM_TRY(const int64_t step_ns, step_->run([&](cudaStream_t stream) { begin_step(step, stream); }));
    result_.step_ns.push_back(step_ns);
    for (const GpuRank& rank : ranks_) {
      if (rank.launcher) PIPELOOM_RETURN_IF_ERROR(rank.launcher->step_ended());
    }
    if (!paced_) add_losses();
    if (options_.on_step) {
      options_.on_step({step, paced_ ? 0 : result_.losses.back(), step_ns, last_of(result_.mtp_losses)});
    }
    if (checkpoints_) PIPELOOM_RETURN_IF_ERROR(checkpoints_->step_ended(step + 1));
    return {};
  }

  // In the order of the micro-batches, as all runs add them.
  void add_losses() {
    TaskLauncher::Losses losses;
    for (const GpuRank& rank : ranks_) {
      TaskLauncher::Losses own = rank.launcher->losses();
      losses.main.merge(own.main);
      losses.mtp.merge(own.mtp);
    }
    const auto sum = [](const std::map<int, double>& of_micro_batches) {
      double total = 0;
      for (const auto& [micro_batch, loss] : of_micro_batches) total += loss;
      return total;
    };
    result_.losses.push_back(sum(losses.main) * part_shape(plan_.job, 0).loss_scale);
    if (plan_.job.model->mtp_depth > 0) result_.mtp_losses.push_back(sum(losses.mtp) * mtp_loss_scale(plan_.job));
  }

  void add_expert_loads() {
    ExpertCounts counts;
    for (const GpuRank& rank : ranks_) {
      if (rank.launcher) add_counts(rank.launcher->expert_counts(), counts);
    }
    result_.expert_loads = loads_of(counts);
  }

  Status trace_step() {
    const int64_t step = options_.steps;
    PIPELOOM_TRY(GpuStep::Traced traced, step_->run_traced([&](cudaStream_t stream) { begin_step(step, stream); }, 0));
    result_.trace.spans = std::move(traced.spans);
    result_.traced_by = std::move(traced.by);
    return {};
  }

  const GpuRun& run_;
  const Plan& plan_;
  const LauncherSource& launchers_;
  const GpuRunOptions& options_;
  int device_number_;
  GpuRunResult result_;
  TaskGraph graph_;
  LaunchProgram program_;
  // In the order in which they are made: each uses those before it.
  std::unique_ptr<SmContexts> contexts_;
  std::vector<GpuRank> ranks_;
  std::optional<GpuCheckpoints> checkpoints_;  // of a run that trains
  std::unique_ptr<OneGpuTasks> tasks_;
  std::unique_ptr<PacedTasks> paced_;
  std::unique_ptr<CudaDevice> device_;
  std::unique_ptr<GpuStep> step_;
};

}  // namespace

Result<GpuRunResult> run_on_one_gpu(const GpuRun& run, int device) {
  auto one_gpu = std::make_unique<OneGpuRun>(run, device);
  Result<GpuRunResult> result;
  try {
    result = one_gpu->run();
  } catch (const CudaError& error) {
    result = fail(ErrorCode::kIo, error.what());
  }
  // Memory of a device on which something hangs can't be given back: the call would wait for ever, and nobody would
  // read the error.
  if (!result && result.error().code == ErrorCode::kDeadlock) static_cast<void>(one_gpu.release());
  return result;
}

}  // namespace pipeloom::backend
