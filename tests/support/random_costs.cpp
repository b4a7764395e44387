#include "tests/support/random_costs.h"

#include <algorithm>

namespace pipeloom::tests {

ScheduleCosts random_costs(const Schedule& schedule, uint32_t seed, const LinkCost& link, int64_t message_bytes) {
  std::mt19937 random(seed);
  const auto between = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
  };
  ScheduleCosts::Input input;
  for (int stage = 0; stage < schedule.stages(); ++stage) {
    input.stages.push_back(StageCost::plain(between(1, 100), between(1, 100), between(1, 100)));
  }
  if (schedule.has_pairs()) {
    for (const StageCost& forward : input.stages) {
      for (const StageCost& backward : input.stages) {
        const int64_t f_ns = forward.forward.duration_ns;
        const int64_t b_ns = backward.backward.duration_ns;
        input.pairs.push_back(PairCost::plain(between(std::max(f_ns, b_ns), f_ns + b_ns)));
      }
    }
  }
  input.links = {link};
  input.message_bytes = {message_bytes};
  return ScheduleCosts::create(schedule.stages(), schedule.ranks(), std::move(input)).value();
}

}  // namespace pipeloom::tests
