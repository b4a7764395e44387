#include "sim/report/critical_path.h"

#include <algorithm>

namespace pipeloom::sim {

std::vector<uint32_t> critical_path(const Schedule& schedule, const Timeline& timeline, const HandOvers& hand_overs) {
  const auto last = std::find(timeline.end_ns.begin(), timeline.end_ns.end(), timeline.makespan_ns);
  std::vector<uint32_t> path;
  if (last == timeline.end_ns.end()) return path;
  uint32_t slot = static_cast<uint32_t>(last - timeline.end_ns.begin());
  std::vector<bool> seen(schedule.slots().size(), false);  // slots of length 0 can wait for each other
  while (!seen[slot]) {
    seen[slot] = true;
    path.push_back(slot);
    const int rank = schedule.rank_of_slot(slot);
    const bool has_previous = slot > schedule.first_slot(rank);
    if (has_previous && timeline.end_ns[slot - 1] == timeline.start_ns[slot]) {
      --slot;
      continue;
    }
    const auto binding = hand_overs.binding(slot, rank);
    if (!binding) break;
    slot = binding->last_slot;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

int64_t computing_ns(const std::vector<uint32_t>& path, const Timeline& timeline) {
  int64_t sum_ns = 0;
  int64_t covered_ns = 0;  // until when
  for (const uint32_t slot : path) {
    sum_ns += std::max<int64_t>(0, timeline.end_ns[slot] - std::max(timeline.start_ns[slot], covered_ns));
    covered_ns = std::max(covered_ns, timeline.end_ns[slot]);
  }
  return sum_ns;
}

std::vector<int64_t> slack_ns(const Schedule& schedule, const Timeline& timeline, const HandOvers& hand_overs) {
  const auto order = schedule.topological_order();
  std::vector<bool> first_of_rank(schedule.slots().size(), false);
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    const uint32_t first = schedule.first_slot(rank);
    if (first < schedule.first_slot(rank + 1)) first_of_rank[first] = true;
  }
  std::vector<int64_t> slack(schedule.slots().size());
  for (size_t slot = 0; slot < slack.size(); ++slot) slack[slot] = timeline.makespan_ns - timeline.end_ns[slot];
  for (size_t i = order.size(); i-- > 0;) {
    const uint32_t slot = order[i];
    if (!first_of_rank[slot]) {
      const int64_t wait_ns = timeline.start_ns[slot] - timeline.end_ns[slot - 1];
      slack[slot - 1] = std::min(slack[slot - 1], slack[slot] + wait_ns);
    }
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      const auto hand_over = hand_overs.input(slot, direction);
      if (!hand_over) continue;
      const int64_t wait_ns = timeline.start_ns[slot] + hand_overs.need_ns(slot, direction) - hand_over->arrival_ns;
      slack[hand_over->producer] = std::min(slack[hand_over->producer], slack[slot] + std::max<int64_t>(wait_ns, 0));
    }
  }
  return slack;
}

}  // namespace pipeloom::sim
