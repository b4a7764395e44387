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
      case TaskKind::kEma:
        launch_alone(launcher(what.task.key.rank), what, place);
        break;
      case TaskKind::kSend:
        send(what, place);
        break;
      case TaskKind::kGradientReduction:
        reduce(what, place);
        if (plan_.job.clipping != Clipping::kNone) launcher(what.task.key.rank).add_squares(what, place);
        break;
      case TaskKind::kNorm:
        clip(launcher(what.task.key.rank), place);
        break;
      case TaskKind::kReceive:  // the send has done it
        PIPELOOM_CHECK(false);
    }
  }
}

void OneGpuTasks::send(const RankTask& send, const LaunchPlace& place) {
  const RankTask& receive = *receiver_[send.number];
  move_(send, launcher(send.task.key.rank).outgoing(send), launcher(receive.task.key.rank).incoming(receive), place);
}

// Of all copies of a stage, in the order of their pipes.
std::vector<TaskLauncher::Gradients> OneGpuTasks::gradients_of(int stage) {
  const Placement& placement = plan_.schedule.placement();
  std::vector<TaskLauncher::Gradients> copies;
  for (int pipe = 0; pipe < placement.pipes(); ++pipe) {
    RankTask of_copy;
    of_copy.pipe = pipe;
    of_copy.stage = stage;
    copies.push_back(launcher(placement.rank_of(pipe, stage)).gradients(of_copy));
  }
  return copies;
}

namespace {

// Member `number` of `count` adds up its part.
void add_part(SharedSum sum, int64_t numbers, int number, int count, const LaunchPlace& place) {
  sum.begin = numbers * number / count;
  sum.size = numbers * (number + 1) / count - sum.begin;
  add_up({place.stream, place.sms}, sum);
}

float* numbers_of(const DeviceBytes& bytes) {
  return static_cast<float*>(bytes.data);
}

int64_t count_of(const DeviceBytes& bytes) {
  return bytes.size_bytes / static_cast<int64_t>(sizeof(float));
}

}  // namespace

void OneGpuTasks::reduce(const RankTask& reduction, const LaunchPlace& place) {
  std::vector<TaskLauncher::Gradients> copies = gradients_of(reduction.stage);
  const auto pipes = static_cast<int>(copies.size());
  if (copies[0].tokens.size_bytes > 0) reduce_tokens(reduction, copies, place);
  if (pipes == 1) return;
  // Within one replica the copies of a stage share its experts too.
  for (TaskLauncher::Gradients& copy : copies) std::ranges::move(copy.routed, std::back_inserter(copy.shared));
  for (size_t range = 0; range < copies[0].shared.size(); ++range) {
    SharedSum sum;
    sum.count = sum.sums_count = pipes;
    for (int pipe = 0; pipe < pipes; ++pipe) {
      sum.copies[pipe] = sum.sums[pipe] = numbers_of(copies[pipe].shared[range]);
    }
    add_part(sum, count_of(copies[0].shared[range]), reduction.pipe, pipes, place);
  }
}

// Every rank's reductions are over.
void OneGpuTasks::clip(TaskLauncher& launcher, const LaunchPlace& place) {
  std::vector<DeviceBytes> squares;
  for (const GpuRank& rank : ranks_) squares.push_back(rank.launcher->squares());
  launcher.total(squares, place);
  launcher.clip(place);
}

// The copies of each end get the sum of both ends' from their own members.
void OneGpuTasks::reduce_tokens(const RankTask& reduction, const std::vector<TaskLauncher::Gradients>& own,
                                const LaunchPlace& place) {
  const int last = plan_.schedule.stages() - 1;
  SharedSum sum;
  for (const int stage : {0, last}) {
    for (const TaskLauncher::Gradients& copy : stage == reduction.stage ? own : gradients_of(stage)) {
      sum.copies[sum.count++] = numbers_of(copy.tokens);
    }
  }
  for (const TaskLauncher::Gradients& copy : own) sum.sums[sum.sums_count++] = numbers_of(copy.token_sum);
  add_part(sum, count_of(own[0].tokens), reduction.pipe, static_cast<int>(own.size()), place);
}

}  // namespace pipeloom
