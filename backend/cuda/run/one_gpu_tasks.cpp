#include "backend/cuda/run/one_gpu_tasks.h"

#include <algorithm>

#include "backend/cuda/kernels/shared_sum.h"
#include "core/check.h"

namespace pipeloom {

OneGpuTasks::OneGpuTasks(const Plan& plan, const LaunchProgram& program, std::vector<GpuRank>& ranks, Move move)
    : plan_(plan), ranks_(ranks), move_(std::move(move)) {
  for (const GpuRank& rank : ranks) {
    for (const RankTask& task : rank.program->tasks()) {
      if (task.number >= tasks_.size()) tasks_.resize(task.number + 1, nullptr);
      tasks_[task.number] = &task;
    }
  }
  receiver_.assign(tasks_.size(), nullptr);
  for (const PassedTask& passed : program.passed) receiver_[passed.ends_with] = tasks_[passed.task];
}

void launch_alone(TaskLauncher& launcher, const RankTask& task, const LaunchPlace& place) {
  if (task.task.lane == Lane::kEp) {
    launcher.pack(task, place);
    launcher.unpack(task, place);
  } else {
    launcher.launch(task, place);
  }
}

void OneGpuTasks::run(const Launch& launch, const LaunchPlace& place) {
  for (const uint32_t number : launch.tasks) {
    const RankTask& what = task(number);
    switch (what.task.key.kind) {
      case TaskKind::kComponent:
      case TaskKind::kOptimizer:
        launch_alone(launcher(what.task.key.rank), what, place);
        break;
      case TaskKind::kSend:
        send(what, place);
        break;
      case TaskKind::kGradientReduction:
        reduce(what, place);
        break;
      case TaskKind::kReceive:  // the send has done it
      case TaskKind::kNorm:     // refused before the run, as the next
      case TaskKind::kEma:
        PIPELOOM_CHECK(false);
    }
  }
}

void OneGpuTasks::send(const RankTask& send, const LaunchPlace& place) {
  const RankTask& receive = *receiver_[send.number];
  move_(send, launcher(send.task.key.rank).outgoing(send), launcher(receive.task.key.rank).incoming(receive), place);
}

// Member p of n adds up the p-th part of every range.
void OneGpuTasks::reduce(const RankTask& reduction, const LaunchPlace& place) {
  const Placement& placement = plan_.schedule.placement();
  if (placement.pipes() == 1) return;
  std::vector<std::vector<DeviceBytes>> copies;
  for (int pipe = 0; pipe < placement.pipes(); ++pipe) {
    RankTask of_copy = reduction;
    of_copy.task.key.rank = placement.rank_of(pipe, reduction.stage);
    of_copy.pipe = pipe;
    TaskLauncher::Gradients gradients = launcher(of_copy.task.key.rank).gradients(of_copy);
    // Within one replica the copies of a stage share its experts too.
    std::ranges::move(gradients.routed, std::back_inserter(gradients.shared));
    copies.push_back(std::move(gradients.shared));
  }
  for (size_t range = 0; range < copies[0].size(); ++range) {
    const int64_t numbers = copies[0][range].size_bytes / static_cast<int64_t>(sizeof(float));
    SharedSum sum;
    sum.count = placement.pipes();
    sum.begin = numbers * reduction.pipe / sum.count;
    sum.size = numbers * (reduction.pipe + 1) / sum.count - sum.begin;
    for (int pipe = 0; pipe < sum.count; ++pipe) sum.copies[pipe] = static_cast<float*>(copies[pipe][range].data);
    add_up({place.stream, place.sms}, sum);
  }
}

}  // namespace pipeloom
