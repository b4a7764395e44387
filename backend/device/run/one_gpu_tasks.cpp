#include "backend/device/run/one_gpu_tasks.h"

#include <algorithm>
#include <tuple>

#include "backend/device/kernels/columns_kernels.h"
#include "backend/device/kernels/shared_sum_kernels.h"
#include "backend/runtime/program/replicas.h"
#include "core/base/check.h"

namespace pipeloom::backend {

OneGpuTasks::OneGpuTasks(const Plan& plan, const LaunchProgram& program, std::vector<LaunchedRank>& ranks, Move move)
    : plan_(plan), ranks_(ranks), move_(std::move(move)) {
  for (const LaunchedRank& rank : ranks) {
    for (const RankTask& task : rank.program->tasks()) {
      if (task.number >= tasks_.size()) tasks_.resize(task.number + 1, nullptr);
      tasks_[task.number] = &task;
    }
  }
  receiver_.assign(tasks_.size(), nullptr);
  for (const PassedTask& passed : program.passed) receiver_[passed.ends_with] = tasks_[passed.task];
}

void launch_alone(TaskLauncher& launcher, const RankTask& task, const SmStream& place) {
  if (task.task.lane == Lane::kEp) {
    launcher.pack(task, place);
    launcher.unpack(task, place);
  } else {
    launcher.launch(task, place);
  }
}

void OneGpuTasks::run(const Launch& launch, const SmStream& place) {
  for (const uint32_t number : launch.tasks) {
    const RankTask& what = task(number);
    switch (what.task.key.kind) {
      case TaskKind::kComponent:
      case TaskKind::kEma:
        launch_alone(launcher(what.task.key.rank), what, place);
        break;
      case TaskKind::kOptimizer:
        launcher(what.task.key.rank).launch(what, place);
        if (plan_.job.clipping != Clipping::kValidated) hand_out(what.task.key.rank, place);
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
        if (plan_.job.clipping == Clipping::kValidated) hand_out(what.task.key.rank, place);
        break;
      case TaskKind::kReceive:  // the send has done it
        PIPELOOM_THROW_UNLESS(false);
    }
  }
}

void OneGpuTasks::send(const RankTask& send, const SmStream& place) {
  const RankTask& receive = *receiver_[send.number];
  move_(send, launcher(send.task.key.rank).outgoing(send), launcher(receive.task.key.rank).incoming(receive), place);
}

// Of a stage on a rank, which may not hold it.
TaskLauncher::Gradients OneGpuTasks::gradients_of(int rank, int stage) {
  for (const Chunk& chunk : plan_.schedule.placement().chunks_of(rank)) {
    if (chunk.stage != stage) continue;
    RankTask of_copy;
    of_copy.pipe = chunk.pipe;
    of_copy.stage = stage;
    return launcher(rank).gradients(of_copy);
  }
  return {};
}

namespace {

float* numbers_of(const DeviceBytes& bytes) {
  return static_cast<float*>(bytes.data);
}

// Member `group.place` adds up its part, for itself: the others need theirs.
void add_part(const std::vector<DeviceBytes>& copies, float* sum_of_all, const ReductionGroup& group,
              const SmStream& place) {
  SharedSum sum;
  for (const DeviceBytes& copy : copies) sum.copies[sum.count++] = numbers_of(copy);
  sum.sums[sum.sums_count++] = sum_of_all;
  std::tie(sum.begin, sum.size) = group.part(group.place, copies[0].size_bytes / static_cast<int64_t>(sizeof(float)));
  add_up(place, sum);
}

}  // namespace

void OneGpuTasks::reduce(const RankTask& reduction, const SmStream& place) {
  const int rank = reduction.task.key.rank;
  const TaskLauncher::Gradients own = gradients_of(rank, reduction.stage);
  if (own.tokens.size_bytes > 0) reduce_tokens(rank, own, place);
  for (const bool routed : {false, true}) {
    const auto ranges = routed ? &TaskLauncher::Gradients::routed : &TaskLauncher::Gradients::shared;
    const ReductionGroup group =
        reduction_group(plan_.job.layout, plan_.schedule.placement(), reduction.stage, {0, rank}, routed);
    for (size_t range = 0; range < (own.*ranges).size() && group.members.size() > 1; ++range) {
      std::vector<DeviceBytes> copies;
      for (const int member : group.members) copies.push_back((gradients_of(member, reduction.stage).*ranges)[range]);
      add_part(copies, numbers_of((own.*ranges)[range]), group, place);
    }
  }
}

// The copies of each end get the sum of both ends'.
void OneGpuTasks::reduce_tokens(int rank, const TaskLauncher::Gradients& own, const SmStream& place) {
  const ReductionGroup group = token_table_group(plan_.job.layout, plan_.schedule.placement(), {0, rank});
  std::vector<DeviceBytes> copies;
  for (const int member : group.members) {
    const TaskLauncher::Gradients first = gradients_of(member, 0);
    copies.push_back((first.tokens.size_bytes > 0 ? first : gradients_of(member, plan_.schedule.stages() - 1)).tokens);
  }
  add_part(copies, numbers_of(own.token_sum), group, place);
}

// Every rank's reductions are over.
void OneGpuTasks::clip(TaskLauncher& launcher, const SmStream& place) {
  std::vector<DeviceBytes> squares;
  for (const LaunchedRank& rank : ranks_) squares.push_back(rank.launcher->squares());
  launcher.total(squares, place);
  launcher.clip(place);
}

// The part that the rank has optimized, to all others that have those numbers.
void OneGpuTasks::hand_out(int rank, const SmStream& place) {
  for (const SharedWeights& own : launcher(rank).shared_weights()) {
    const int number = own.numbers.group.place;
    const auto [begin, size] = own.numbers.group.part(number, own.numbers.size);
    SharedSum weights{.copies = {own.weights}, .count = 1, .begin = begin, .size = size};
    for (int member = 0; member < own.numbers.members(); ++member) {
      if (member == number) continue;
      const auto others = launcher(own.numbers.group.members[member]).shared_weights();
      const auto other =
          std::ranges::find(others, own.numbers.about, [](const SharedWeights& one) { return one.numbers.about; });
      PIPELOOM_THROW_UNLESS(other != others.end());
      weights.sums[weights.sums_count++] = other->weights;
      round_to_bf16(place, own.weights + begin, size, other->factors + begin);
    }
    add_up(place, weights);
  }
}

}  // namespace pipeloom::backend
