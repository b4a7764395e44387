#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/costs/costs.h"
#include "core/schedule/schedule.h"

namespace pipeloom::sim {

// One slot, ready for the sweep. `forward_from` and `backward_from` index Steps' outputs: the outputs that the slot's
// passes wait for, or Steps::nothing().
struct Step {
  uint32_t forward_from;
  uint32_t backward_from;
  uint32_t cost;
  uint32_t rank;
};

struct StepCost {
  int64_t duration_ns = 0;
  int64_t forward_need_ns = 0;
  int64_t backward_need_ns = 0;
  // Time from the start of the slot until its output reaches the consumer, latency included. A pair has two outputs:
  // its forward's in `out_ns`, its backward's in `pair_out_ns`.
  int64_t out_ns = 0;
  int64_t pair_out_ns = 0;
};

// Fails if costs and schedule don't fit each other, or the step could last longer than int64 holds.
Status check_costs_fit(const Schedule& schedule, const ScheduleCosts& costs);

// A schedule joined with its costs, flattened for the engine. Step i is slot topological_order()[i] and writes output
// i. The backward of the k-th pair writes output first_pair_output() + k.
class Steps {
 public:
  // Fails as check_costs_fit does.
  static Result<Steps> create(const Schedule& schedule, const ScheduleCosts& costs);

  std::span<const Step> steps() const { return steps_; }
  const StepCost& cost(const Step& step) const { return costs_[step.cost]; }
  const StepCost* costs() const { return costs_.data(); }
  int ranks() const { return ranks_; }

  uint32_t nothing() const { return static_cast<uint32_t>(steps_.size()); }
  uint32_t first_pair_output() const { return nothing() + 1; }
  size_t outputs() const { return steps_.size() + 1 + pair_steps_.size(); }
  // Returns the step that writes an output other than nothing().
  uint32_t step_of_output(uint32_t output) const {
    return output < nothing() ? output : pair_steps_[output - first_pair_output()];
  }
  bool has_pairs() const { return !pair_steps_.empty(); }
  bool is_pair(const Step& step) const { return step.cost >= first_pair_cost_; }

 private:
  Steps() = default;

  int ranks_ = 0;
  std::vector<Step> steps_;
  std::vector<StepCost> costs_;
  uint32_t first_pair_cost_ = UINT32_MAX;
  std::vector<uint32_t> pair_steps_;  // [pair]

  friend class StepsBuilder;
};

}  // namespace pipeloom::sim
