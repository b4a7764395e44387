#include "backend/cuda/nccl/nccl_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/nccl/nccl_tasks.h"
#include "backend/cuda/nccl/nccl_world.h"
#include "backend/cuda/run/gpu_checkpoints.h"
#include "backend/cuda/run/gpu_facts.h"
#include "backend/cuda/run/gpu_step.h"
#include "backend/device/program/launch_lowering.h"
#include "backend/runtime/messages/meeting.h"

namespace pipeloom::backend {

namespace {

// Ranks meet between steps, where each waits for the slowest: longer than for any one task.
constexpr int64_t kMeetingPatience = 2;

class NcclRun {
 public:
  NcclRun(const GpuRun& run, Endpoint& endpoint, int device)
      : run_(run),
        plan_(run.plan),
        launchers_(run.launchers),
        options_(run.options),
        endpoint_(endpoint),
        device_number_(device),
        rank_(RunRank::of(endpoint.rank(), run.plan.job.layout.pipeline)),
        meeting_(endpoint, kMeetingPatience * run.options.patience_ns),
        communicators_(
            plan_communicators(run.plan.schedule.placement(), run.plan.job.layout, copies_token_table(run.plan))) {}

  // However the run ends: kernels that wait for a rank that is gone would keep the device, and memory could not be
  // freed.
  ~NcclRun() {
    if (world_) world_->abort();
  }
  NcclRun(const NcclRun&) = delete;
  NcclRun& operator=(const NcclRun&) = delete;

  Result<GpuRunResult> run() {
    set_thread_rank(endpoint_.rank());
    PIPELOOM_RETURN_IF_ERROR(meeting_.agree_on_plan(plan_.task_digest));
    PIPELOOM_RETURN_IF_ERROR(check());
    PIPELOOM_RETURN_IF_ERROR(prepare());
    GpuCheckpoints checkpoints(run_, {{rank_, *launcher_}}, &meeting_);
    PIPELOOM_TRY(const int64_t done, checkpoints.resume());
    for (int64_t step = done; step < options_.steps; ++step) {
      PIPELOOM_RETURN_IF_ERROR(run_step(step));
      PIPELOOM_RETURN_IF_ERROR(checkpoints.step_ended(step + 1));
    }
    PIPELOOM_TRY(result_.expert_loads, meeting_.expert_loads(launcher_->expert_counts()));
    if (options_.traced) PIPELOOM_RETURN_IF_ERROR(trace_step());
    if (plan_.job.ema_decay > 0) {
      PIPELOOM_TRY(result_.averages_digest, meeting_.sum(launcher_->averages_digest()));
    }
    result_.how = step_->how();
    PIPELOOM_TRY(const int64_t all_ended_ns, meeting_.meet());
    static_cast<void>(all_ended_ns);
    PIPELOOM_RETURN_IF_ERROR(world_->finish());
    return std::move(result_);
  }

 private:
  Status check() {
    graph_ = launch_graph(plan_);
    program_ = std::make_unique<RankProgram>(plan_.schedule, graph_, rank_.pipeline_rank);
    PIPELOOM_TRY(const int64_t bytes, launchers_.memory_bytes(*program_, rank_));
    PIPELOOM_TRY(const DeviceFacts facts, facts_of(device_number_, true));
    PIPELOOM_RETURN_IF_ERROR(check_device(facts, needs_of_build(1, bytes)));
    PIPELOOM_TRY(const SmRules rules, sm_rules_of(device_number_));
    PIPELOOM_TRY(result_.partition, plan_sm_partition(rules, 1, plan_.comm_sms));
    return {};
  }

  Status prepare() {
    LaunchRules rules{Transfers::kMessages, rank_.pipeline_rank, launch_groups(plan_, graph_, rank_.pipeline_rank)};
    PIPELOOM_TRY(launches_, lower_launches(graph_, rules));
    PIPELOOM_TRY(contexts_, SmContexts::create(device_number_, result_.partition));
    NcclOptions nccl;
    nccl.max_ctas = nccl_ctas(plan_.comm_sms > 0 ? plan_.comm_sms : contexts_->sms(0, true), joined());
    nccl.small_partition = result_.partition.unit > 0;
    nccl.patience_ns = options_.patience_ns;
    PIPELOOM_TRY(world_, NcclWorld::connect(endpoint_, communicators_, nccl));
    PIPELOOM_TRY(launcher_, launchers_.make(*program_, rank_));
    tasks_ = std::make_unique<NcclTasks>(plan_, *program_, rank_, *launcher_, *world_);
    device_ = std::make_unique<CudaDevice>(
        launches_, Transfers::kMessages, *contexts_,
        [this](const Launch& launch, const LaunchPlace& place) { tasks_->run(launch, place); });
    tasks_->connect(device_->origin());
    GpuStepOptions step;
    step.no_graphs = "NCCL's non-blocking calls launch from threads of their own, which a capture does not see";
    step.no_cupti = "NCCL's non-blocking calls launch from threads of their own, which have no correlation ids";
    step.patience_ns = options_.patience_ns;
    step.poll = [this] { return poll(); };
    step.name = [this](uint32_t task) { return name_of(task); };
    step_ = std::make_unique<GpuStep>(launches_, graph_, *device_, std::move(step));
    if (endpoint_.rank() == 0 && options_.on_remark) {
      options_.on_remark(fmt::format("{} GPUs, on each {}; {} communicators of at most {} CTAs", endpoint_.ranks(),
                                     describe(contexts_->partition()), communicators_.communicators.size(),
                                     nccl.max_ctas));
    }
    return {};
  }

  int joined() const {
    return static_cast<int>(std::ranges::count_if(communicators_.communicators, [&](const Communicator& communicator) {
      return std::ranges::count(communicator.members, endpoint_.rank()) > 0;
    }));
  }

  Status poll() {
    if (const auto error = endpoint_.aborted()) return tl::unexpected<Error>(*error);
    return world_->poll();
  }

  std::string name_of(uint32_t number) const {
    const auto task = std::ranges::find(program_->tasks(), number, &RankTask::number);
    return task == program_->tasks().end() ? "a task" : describe(*task);
  }

  // By micro-batch of the whole batch.
  std::map<int64_t, double> numbered(const std::map<int, double>& losses) const {
    std::map<int64_t, double> result;
    for (const auto& [micro_batch, loss] : losses) {
      result[int64_t{rank_.replica} * plan_.job.micro_batches + micro_batch] = loss;
    }
    return result;
  }

  Status run_step(int64_t step) {
    PIPELOOM_TRY(const int64_t begin_ns, meeting_.meet());
    PIPELOOM_TRY(const int64_t step_ns, step_->run([&](cudaStream_t stream) { launcher_->begin_step(step, stream); }));
    PIPELOOM_RETURN_IF_ERROR(launcher_->step_ended());
    const TaskLauncher::Losses losses = launcher_->losses();
    PIPELOOM_TRY(const double sum, meeting_.sum_losses(numbered(losses.main)));
    result_.losses.push_back(sum * part_shape(plan_.job, 0).loss_scale);
    if (plan_.job.model->mtp_depth > 0) {
      PIPELOOM_TRY(const double mtp_sum, meeting_.sum_losses(numbered(losses.mtp)));
      result_.mtp_losses.push_back(mtp_sum * mtp_loss_scale(plan_.job));
    }
    result_.step_ns.push_back(step_ns);
    if (endpoint_.rank() == 0 && options_.on_step) {
      options_.on_step({step, result_.losses.back(), steady_now_ns() - begin_ns, last_of(result_.mtp_losses)});
    }
    return {};
  }

  // The device's times count from the begin of its step, which this rank's host knows on its own clock.
  Status trace_step() {
    PIPELOOM_TRY(const ClockReading clock, meeting_.read_clock());
    PIPELOOM_TRY(const int64_t begin_ns, meeting_.meet());
    int64_t own_begin_ns = 0;
    PIPELOOM_TRY(GpuStep::Traced traced, step_->run_traced(
                                             [&](cudaStream_t stream) {
                                               launcher_->begin_step(options_.steps, stream);
                                               PIPELOOM_CUDA_CHECK(cudaStreamSynchronize(stream));
                                               own_begin_ns = steady_now_ns();
                                             },
                                             rank_.replica));
    for (Span& span : traced.spans) {
      span.begin_ns += own_begin_ns;
      span.end_ns += own_begin_ns;
    }
    PIPELOOM_TRY(result_.trace, collect_trace(meeting_, clock, std::move(traced.spans), begin_ns, rank_.replica));
    result_.traced_by = traced.by;
    return {};
  }

  const GpuRun& run_;
  const Plan& plan_;
  const LauncherSource& launchers_;
  const GpuRunOptions& options_;
  Endpoint& endpoint_;
  int device_number_;
  RunRank rank_;
  Meeting meeting_;
  CommunicatorPlan communicators_;
  GpuRunResult result_;
  TaskGraph graph_;
  LaunchProgram launches_;
  // In the order in which they are made: each uses those before it.
  std::unique_ptr<RankProgram> program_;
  std::unique_ptr<SmContexts> contexts_;
  std::unique_ptr<NcclWorld> world_;
  std::unique_ptr<TaskLauncher> launcher_;
  std::unique_ptr<NcclTasks> tasks_;
  std::unique_ptr<CudaDevice> device_;
  std::unique_ptr<GpuStep> step_;
};

}  // namespace

Result<GpuRunResult> run_gpu_rank(const GpuRun& run, Endpoint& endpoint, int device) {
  if (run.options.paced) return unsupported("--pace runs on one GPU: leave --ranks out");
  NcclRun of_rank(run, endpoint, device);
  auto result = of_rank.run();
  // Before this rank gives its memory back, which may wait for its kernels.
  if (!result) endpoint.abort(result.error());
  return result;
}

}  // namespace pipeloom::backend
