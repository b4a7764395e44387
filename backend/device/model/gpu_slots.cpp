#include "backend/device/model/gpu_slots.h"

#include <utility>

namespace pipeloom::backend {

namespace {

using Key = std::tuple<int, int, int>;

bool computes(const RankTask& task) {
  return task.task.key.kind == TaskKind::kComponent && task.task.lane == Lane::kCompute;
}

Key key_of(const RankTask& task) {
  return {task.pipe, task.stage, task.micro_batch};
}

// Takes the lowest number that is free.
int take(std::set<int>& busy) {
  int number = 0;
  while (busy.contains(number)) ++number;
  busy.insert(number);
  return number;
}

}  // namespace

GpuSlots::GpuSlots(const RankProgram& program) {
  std::map<Key, int> left;
  for (const RankTask& task : program.tasks()) {
    if (computes(task)) ++left[key_of(task)];
  }
  std::map<std::pair<int, int>, std::set<int>> busy;  // of a chunk
  std::map<std::pair<int, int>, std::set<int>> busy_late;
  std::set<Key> turned;  // I has begun
  for (int queue = 0; queue < program.queues(); ++queue) {
    for (const uint32_t number : program.queue(queue)) {
      const RankTask& task = program.tasks()[number];
      if (!computes(task)) continue;
      const std::pair chunk{task.pipe, task.stage};
      const auto [entry, is_new] = places_.try_emplace(key_of(task));
      Place& place = entry->second;
      if (is_new) place.slot = take(busy[chunk]);
      if (task.task.key.pass != SlotKind::kF && turned.insert(key_of(task)).second) place.late = take(busy_late[chunk]);
      if (--left[key_of(task)] > 0) continue;
      busy[chunk].erase(place.slot);
      busy_late[chunk].erase(place.late);
    }
  }
}

std::set<GpuSlots::Place> GpuSlots::of_chunk(int pipe, int stage) const {
  std::set<Place> places;
  for (const auto& [key, place] : places_) {
    if (std::get<0>(key) == pipe && std::get<1>(key) == stage) places.insert(place);
  }
  return places;
}

}  // namespace pipeloom::backend
