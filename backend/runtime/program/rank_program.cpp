#include "backend/runtime/program/rank_program.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

constexpr uint32_t kElsewhere = UINT32_MAX;

RankTask make_rank_task(const Schedule& schedule, const Task& task, uint32_t number, int rank) {
  RankTask result;
  result.task = task;
  result.number = number;
  if (task.key.slot >= 0) {
    const Slot& slot = schedule.slots_of(rank)[task.key.slot];
    const Direction side = direction_of(task.key.pass);  // a pair has both
    result.stage = slot.stage_of(side);
    result.micro_batch = slot.micro_batch_of(side);
    result.pipe = schedule.pipe_of(result.micro_batch);
  } else if (task.key.kind == TaskKind::kGradientReduction) {
    const auto chunks = schedule.placement().chunks_of(rank);
    const auto chunk = std::ranges::find_if(chunks, [&](const Chunk& held) { return held.stage == task.key.layer; });
    PIPELOOM_THROW_UNLESS(chunk != chunks.end());
    result.pipe = chunk->pipe;
    result.stage = chunk->stage;
  }
  return result;
}

}  // namespace

std::string describe(const RankTask& task) {
  const TaskKey& key = task.task.key;
  const char* pass = slot_kind_name(key.pass);
  switch (key.kind) {
    case TaskKind::kComponent:
      return fmt::format("{} {} of layer {} (stage {}) for micro-batch {}", component_name(key.component), pass,
                         key.layer, task.stage, task.micro_batch);
    case TaskKind::kSend:
      return fmt::format("send of {}{} of stage {} to rank {}", pass, task.micro_batch, task.stage, task.task.peer);
    case TaskKind::kReceive:
      return fmt::format("receive for {}{} of stage {} from rank {}", pass, task.micro_batch, task.stage,
                         task.task.peer);
    case TaskKind::kGradientReduction:
      return fmt::format("gradient reduction of stage {}", task.stage);
    case TaskKind::kOptimizer:
      return "optimizer";
    case TaskKind::kNorm:
      return "norm of the gradients";
    case TaskKind::kEma:
      return "moving average of the weights";
  }
  return "a task";
}

RankProgram::RankProgram(const Schedule& schedule, const TaskGraph& graph, int rank, Latency latency) : rank_(rank) {
  std::vector<uint32_t> local(graph.tasks().size(), kElsewhere);
  for (uint32_t number = 0; number < graph.tasks().size(); ++number) {
    if (graph.tasks()[number].key.rank != rank) continue;
    local[number] = static_cast<uint32_t>(tasks_.size());
    tasks_.push_back(make_rank_task(schedule, graph.tasks()[number], number, rank));
  }
  dependents_.resize(tasks_.size());
  for (uint32_t task = 0; task < tasks_.size(); ++task) {
    for (const TaskDependency& dependency : graph.dependencies(tasks_[task].number)) {
      if (local[dependency.from] == kElsewhere) continue;
      dependents_[local[dependency.from]].push_back({task, latency == Latency::kPlanned ? dependency.delay_ns : 0});
      ++tasks_[task].dependencies;
    }
  }
  for (uint32_t queue = 0; queue < graph.queues(); ++queue) {
    const auto numbers = graph.queue(queue);
    if (numbers.empty() || local[numbers[0]] == kElsewhere) continue;
    auto& own = queues_.emplace_back();
    for (const uint32_t number : numbers) own.push_back(local[number]);
  }
  std::stable_partition(queues_.begin(), queues_.end(),
                        [&](const auto& queue) { return tasks_[queue.front()].task.lane != Lane::kCompute; });
}

}  // namespace pipeloom::backend
