#include "planner/subject/explanation.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/report/critical_path.h"
#include "sim/report/idle_intervals.h"

namespace pipeloom::planner {

Explanation::Explanation(const Subject& subject)
    : subject_(subject),
      schedule_(subject.evaluation.schedule),
      timeline_(subject.evaluation.timeline),
      messages_(schedule_),
      hand_overs_(schedule_, subject.evaluation.costs.schedule, messages_, timeline_, subject.job.p2p.mode),
      idle_(sim::idle_intervals(schedule_, timeline_, hand_overs_)),
      path_(sim::critical_path(schedule_, timeline_, hand_overs_)),
      slack_ns_(pipeloom::sim::slack_ns(schedule_, timeline_, hand_overs_)) {}

std::vector<IdleInterval> Explanation::largest_idle(size_t count) const {
  std::vector<IdleInterval> sorted = idle_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const IdleInterval& a, const IdleInterval& b) { return a.duration_ns() > b.duration_ns(); });
  sorted.resize(std::min(count, sorted.size()));
  return sorted;
}

std::optional<uint32_t> Explanation::running(int rank, int64_t time_ns) const {
  for (uint32_t slot = schedule_.first_slot(rank); slot < schedule_.first_slot(rank + 1); ++slot) {
    if (timeline_.start_ns[slot] <= time_ns && time_ns < timeline_.end_ns[slot]) return slot;
  }
  return std::nullopt;
}

const IdleInterval* Explanation::idle_at(int rank, int64_t time_ns) const {
  const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const IdleInterval& interval) {
    return interval.rank == rank && interval.begin_ns <= time_ns && time_ns < interval.end_ns;
  });
  return found == idle_.end() ? nullptr : &*found;
}

std::optional<uint32_t> Explanation::waited_for(uint32_t slot) const {
  const int rank = schedule_.rank_of_slot(slot);
  const int64_t free_ns = slot == schedule_.first_slot(rank) ? 0 : timeline_.end_ns[slot - 1];
  if (timeline_.start_ns[slot] <= free_ns) return std::nullopt;
  const auto binding = hand_overs_.binding(slot, rank);
  if (!binding) return std::nullopt;
  return binding->last_slot;
}

std::string Explanation::name(uint32_t slot) const {
  const Slot& content = schedule_.slots()[slot];
  const std::string stages = content.is_pair() ? fmt::format("stages {} and {}", content.stage, content.backward_stage)
                                               : fmt::format("stage {}", content.stage);
  return fmt::format("{} of {} on rank {}", slot_label(content), stages, schedule_.rank_of_slot(slot));
}

std::string Explanation::describe(uint32_t slot) const {
  return fmt::format("{} ({} to {})", name(slot), time(timeline_.start_ns[slot]), time(timeline_.end_ns[slot]));
}

std::string Explanation::describe(const IdleInterval& interval) const {
  std::string text = fmt::format("{} to {} ({}): {}", time(interval.begin_ns), time(interval.end_ns),
                                 time(interval.duration_ns()), idle_cause_name(interval.cause));
  if (interval.before_slot != IdleInterval::kNoSlot) {
    text += fmt::format("; next is {}", slot_label(schedule_.slots()[interval.before_slot]));
  }
  if (interval.waits_for != IdleInterval::kNoSlot) {
    text += fmt::format(", which waits for {}", describe(interval.waits_for));
  }
  return text;
}

}  // namespace pipeloom::planner
