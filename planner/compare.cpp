#include "planner/compare.h"

#include <algorithm>

namespace pipeloom {

std::vector<ComparedSchedule> compare_schedules(const Job& job) {
  const int64_t limit = memory_limit_bytes(job);
  std::vector<ComparedSchedule> compared;
  for (const NamedSchedule& named : named_schedules()) {
    ComparedSchedule entry{&named, evaluate(job, named), false};
    entry.fits = entry.evaluation && (limit == 0 || entry.evaluation->peak_memory() <= limit);
    compared.push_back(std::move(entry));
  }
  const auto key = [](const ComparedSchedule& entry) {
    const int group = entry.fits ? 0 : entry.evaluation ? 1 : 2;
    return std::pair(group, entry.evaluation ? entry.evaluation->end.step_ns : 0);
  };
  std::stable_sort(compared.begin(), compared.end(),
                   [&](const ComparedSchedule& a, const ComparedSchedule& b) { return key(a) < key(b); });
  return compared;
}

}  // namespace pipeloom
