#include "sim/engine/sweep.h"

#include <algorithm>

namespace pipeloom::sim {

namespace {

// A time before every start, and far enough from INT64_MIN that needs can be subtracted.
constexpr int64_t kLongAgo = INT64_MIN / 2;

// Calls visit(i, start, end) for every step.
template <bool kHasPairs, typename Visit>
int64_t sweep_all(const Steps& steps, SweepBuffers& buffers, Visit visit) {
  int64_t* const outputs = buffers.outputs_ns.data();
  int64_t* const lane_free = buffers.lane_free_ns.data();
  const StepCost* const costs = steps.costs();
  int64_t* pair_output = outputs + steps.first_pair_output();
  const std::span<const Step> all = steps.steps();
  for (size_t i = 0; i < all.size(); ++i) {
    const Step step = all[i];
    const StepCost& cost = costs[step.cost];
    const int64_t start = std::max({lane_free[step.rank], outputs[step.forward_from] - cost.forward_need_ns,
                                    outputs[step.backward_from] - cost.backward_need_ns});
    const int64_t end = start + cost.duration_ns;
    lane_free[step.rank] = end;
    outputs[i] = start + cost.out_ns;
    if (kHasPairs && steps.is_pair(step)) *pair_output++ = start + cost.pair_out_ns;
    visit(i, start, end);
  }
  return *std::max_element(lane_free, lane_free + steps.ranks());
}

template <typename Visit>
int64_t sweep(const Steps& steps, SweepBuffers& buffers, Visit visit) {
  buffers.outputs_ns.resize(steps.outputs());
  buffers.outputs_ns[steps.nothing()] = kLongAgo;
  buffers.lane_free_ns.assign(steps.ranks(), 0);
  return steps.has_pairs() ? sweep_all<true>(steps, buffers, visit) : sweep_all<false>(steps, buffers, visit);
}

}  // namespace

int64_t sweep_makespan(const Steps& steps, SweepBuffers& buffers) {
  return sweep(steps, buffers, [](size_t, int64_t, int64_t) {});
}

Timeline sweep_timeline(const Schedule& schedule, const Steps& steps) {
  Timeline timeline;
  timeline.start_ns.resize(schedule.slots().size());
  timeline.end_ns.resize(schedule.slots().size());
  const auto order = schedule.topological_order();
  SweepBuffers buffers;
  timeline.makespan_ns = sweep(steps, buffers, [&](size_t i, int64_t start, int64_t end) {
    timeline.start_ns[order[i]] = start;
    timeline.end_ns[order[i]] = end;
  });
  return timeline;
}

}  // namespace pipeloom::sim
