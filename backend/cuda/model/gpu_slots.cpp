#include "backend/cuda/model/gpu_slots.h"

#include <algorithm>
#include <set>
#include <utility>

namespace pipeloom {

namespace {

bool computes(const RankTask& task) {
  return task.task.key.kind == TaskKind::kComponent && task.task.lane == Lane::kCompute;
}

std::tuple<int, int, int> key_of(const RankTask& task) {
  return {task.pipe, task.stage, task.micro_batch};
}

}  // namespace

GpuSlots::GpuSlots(const RankProgram& program) {
  std::map<std::tuple<int, int, int>, int> left;
  for (const RankTask& task : program.tasks()) {
    if (computes(task)) ++left[key_of(task)];
  }
  std::map<std::pair<int, int>, std::set<int>> busy;  // of a chunk
  for (int queue = 0; queue < program.queues(); ++queue) {
    for (const uint32_t number : program.queue(queue)) {
      const RankTask& task = program.tasks()[number];
      if (!computes(task)) continue;
      std::set<int>& of_chunk = busy[{task.pipe, task.stage}];
      const auto [place, is_new] = slots_.try_emplace(key_of(task), 0);
      if (is_new) {
        while (of_chunk.contains(place->second)) ++place->second;
        of_chunk.insert(place->second);
      }
      if (--left[key_of(task)] == 0) of_chunk.erase(place->second);
    }
  }
}

int GpuSlots::needed(int pipe, int stage) const {
  int most = 0;
  for (const auto& [key, slot] : slots_) {
    if (std::get<0>(key) == pipe && std::get<1>(key) == stage) most = std::max(most, slot + 1);
  }
  return most;
}

}  // namespace pipeloom
