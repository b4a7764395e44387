#include "backend/cuda/run/one_gpu_run.h"

#include <fmt/format.h>

#include <memory>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/cuda_error.h"
#include "backend/cuda/run/gpu_facts.h"
#include "backend/cuda/run/gpu_step.h"
#include "backend/cuda/run/paced_tasks.h"
#include "backend/device/comm/copy.h"
#include "backend/device/program/accesses.h"
#include "backend/device/program/launch_lowering.h"
#include "backend/device/run/launched_run.h"
#include "backend/device/run/one_gpu_tasks.h"
#include "backend/device/setup/hand_over_choice.h"
#include "backend/transport/threads.h"
#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

class OneGpuRun {
 public:
  OneGpuRun(const GpuRun& run, int device)
      : run_(run), plan_(run.plan), options_(run.options), device_number_(device), alone_(connect_threads(1)) {}

  Result<DeviceRunResult> run() {
    PIPELOOM_RETURN_IF_ERROR(check());
    PIPELOOM_RETURN_IF_ERROR(prepare());
    Meeting meeting(*alone_.front(), meeting_patience_ns(options_));
    LaunchedRun launched(run_, ranks_, *step_, meeting);
    PIPELOOM_RETURN_IF_ERROR(launched.run(result_));
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
      ranks_.push_back({{0, rank}, std::make_unique<RankProgram>(plan_.schedule, graph_, rank), nullptr});
      if (options_.paced) continue;
      PIPELOOM_TRY(const int64_t of_rank, run_.launchers.memory_bytes(*ranks_.back().program, {0, rank}));
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
      what = [this](const Launch& launch, const SmStream& place) { paced_->run(launch, place); };
    } else {
      PIPELOOM_RETURN_IF_ERROR(make_launchers());
      what = [this](const Launch& launch, const SmStream& place) { tasks_->run(launch, place); };
    }
    device_ = std::make_unique<CudaDevice>(program_, Transfers::kCopies, *contexts_, std::move(what));
    GpuStepOptions step;
    if (!options_.graphs) step.no_graphs = "as asked for";
    step.patience_ns = options_.patience_ns;
    step.name = [this](uint32_t task) { return name_of_task(ranks_, task); };
    step_ = std::make_unique<GpuStep>(program_, graph_, *device_, std::move(step));
    return {};
  }

  Status make_launchers() {
    for (LaunchedRank& rank : ranks_) {
      PIPELOOM_TRY(rank.launcher, run_.launchers.make(*rank.program, rank.rank));
    }
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
    return [copy](const RankTask& /*send*/, DeviceBytes from, DeviceBytes to, const SmStream& place) {
      PIPELOOM_THROW_UNLESS(from.size_bytes == to.size_bytes);
      CopyOptions here = copy;
      here.sms = place.sms;
      copy_message(place, from.data, to.data, from.size_bytes, here);
    };
  }

  const GpuRun& run_;
  const Plan& plan_;
  const DeviceRunOptions& options_;
  int device_number_;
  std::vector<std::unique_ptr<Endpoint>> alone_;  // of the one process
  DeviceRunResult result_;
  TaskGraph graph_;
  LaunchProgram program_;
  // In the order in which they are made: each uses those before it.
  std::unique_ptr<SmContexts> contexts_;
  std::vector<LaunchedRank> ranks_;
  std::unique_ptr<OneGpuTasks> tasks_;
  std::unique_ptr<PacedTasks> paced_;
  std::unique_ptr<CudaDevice> device_;
  std::unique_ptr<GpuStep> step_;
};

}  // namespace

Result<DeviceRunResult> run_on_one_gpu(const GpuRun& run, int device) {
  auto one_gpu = std::make_unique<OneGpuRun>(run, device);
  Result<DeviceRunResult> result;
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
