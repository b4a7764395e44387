#include "backend/cuda/nccl/nccl_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/nccl/nccl_tasks.h"
#include "backend/cuda/nccl/nccl_world.h"
#include "backend/cuda/run/gpu_facts.h"
#include "backend/cuda/run/gpu_step.h"
#include "backend/device/program/launch_lowering.h"
#include "backend/device/run/launched_run.h"
#include "backend/runtime/messages/meeting.h"
#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

class NcclRun {
 public:
  NcclRun(const GpuRun& run, Endpoint& endpoint, int device)
      : run_(run),
        plan_(run.plan),
        options_(run.options),
        endpoint_(endpoint),
        device_number_(device),
        rank_(RunRank::of(endpoint.rank(), run.plan.job.layout.pipeline)),
        meeting_(endpoint, meeting_patience_ns(run.options)),
        communicators_(
            plan_communicators(run.plan.schedule.placement(), run.plan.job.layout, copies_token_table(run.plan))) {}

  // However the run ends: kernels that wait for a rank that is gone would keep the device, and memory could not be
  // freed.
  ~NcclRun() {
    if (world_) world_->abort();
  }
  NcclRun(const NcclRun&) = delete;
  NcclRun& operator=(const NcclRun&) = delete;

  Result<DeviceRunResult> run() {
    set_thread_rank(endpoint_.rank());
    PIPELOOM_RETURN_IF_ERROR(check());
    PIPELOOM_RETURN_IF_ERROR(prepare());
    LaunchedRun launched(run_, ranks_, *step_, meeting_);
    PIPELOOM_RETURN_IF_ERROR(launched.run(result_));
    PIPELOOM_TRY(const int64_t all_ended_ns, meeting_.meet());
    static_cast<void>(all_ended_ns);
    PIPELOOM_RETURN_IF_ERROR(world_->finish());
    return std::move(result_);
  }

 private:
  Status check() {
    graph_ = launch_graph(plan_);
    ranks_.push_back({rank_, std::make_unique<RankProgram>(plan_.schedule, graph_, rank_.pipeline_rank), nullptr});
    PIPELOOM_TRY(const int64_t bytes, run_.launchers.memory_bytes(*ranks_[0].program, rank_));
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
    LaunchedRank& own = ranks_[0];
    PIPELOOM_TRY(own.launcher, run_.launchers.make(*own.program, rank_));
    tasks_ = std::make_unique<NcclTasks>(plan_, *own.program, rank_, *own.launcher, *world_);
    device_ = std::make_unique<CudaDevice>(
        launches_, Transfers::kMessages, *contexts_,
        [this](const Launch& launch, const SmStream& place) { tasks_->run(launch, place); });
    tasks_->connect(device_->origin());
    GpuStepOptions step;
    step.no_graphs = "NCCL's non-blocking calls launch from threads of their own, which a capture does not see";
    step.no_cupti = "NCCL's non-blocking calls launch from threads of their own, which have no correlation ids";
    step.patience_ns = options_.patience_ns;
    step.poll = [this] { return poll(); };
    step.name = [this](uint32_t task) { return name_of_task(ranks_, task); };
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

  const GpuRun& run_;
  const Plan& plan_;
  const DeviceRunOptions& options_;
  Endpoint& endpoint_;
  int device_number_;
  RunRank rank_;
  Meeting meeting_;
  CommunicatorPlan communicators_;
  DeviceRunResult result_;
  TaskGraph graph_;
  LaunchProgram launches_;
  // In the order in which they are made: each uses those before it.
  std::unique_ptr<SmContexts> contexts_;
  std::unique_ptr<NcclWorld> world_;
  std::vector<LaunchedRank> ranks_;  // this one
  std::unique_ptr<NcclTasks> tasks_;
  std::unique_ptr<CudaDevice> device_;
  std::unique_ptr<GpuStep> step_;
};

}  // namespace

Result<DeviceRunResult> run_gpu_rank(const GpuRun& run, Endpoint& endpoint, int device) {
  PIPELOOM_THROW_UNLESS(!run.options.paced);
  NcclRun of_rank(run, endpoint, device);
  auto result = of_rank.run();
  // Before this rank gives its memory back, which may wait for its kernels.
  if (!result) endpoint.abort(result.error());
  return result;
}

}  // namespace pipeloom::backend
