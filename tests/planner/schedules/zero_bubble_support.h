#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/costs/costs.h"
#include "core/schedule/schedule.h"
#include "planner/schedules/schedule_table.h"
#include "planner/schedules/shape.h"
#include "tests/support/vectors.h"

namespace pipeloom::tests {

// Costs and memory that belong to a schedule, alive as long as its inputs are used.
struct OwnedInputs {
  ScheduleCosts costs;
  std::vector<ActivationSize> activations;
  int64_t memory_limit = 0;

  planner::ScheduleInputs view() const { return {costs, activations, memory_limit}; }
};

// From the f, b, w, comm and mem parameters of a reference order; unit costs where it has none.
OwnedInputs inputs_of(const ReferenceOrder& reference, int stages);
OwnedInputs unit_inputs(int stages, int ranks);
// Seeded: durations 0 to `longest`, latency 0 to `longest` / 4.
OwnedInputs random_inputs(int stages, int ranks, uint32_t seed, int longest);

// When each slot of a schedule without pairs ends, by slot number: start = max(end of the slot before, ends of the
// inputs
// + latency if they come from another rank).
std::vector<int64_t> slot_ends_ns(const Schedule& schedule, const ScheduleCosts& costs);
int64_t slot_ns(const Slot& slot, const ScheduleCosts& costs);
int64_t makespan_ns(const Schedule& schedule, const ScheduleCosts& costs);
// The longest time from the start of a rank's first slot to the end of its last.
int64_t span_ns(const Schedule& schedule, const ScheduleCosts& costs);

// The most that each rank holds: `total` from F on, `kept_for_weight` from I to W.
std::vector<int64_t> peak_memory(const Schedule& schedule, const std::vector<ActivationSize>& activations);

// One line per rank: "F0.0 I0.0 W0.0 ..." (kind, micro-batch, stage).
std::string text_of(const RankOrders& orders);
RankOrders orders_of(const Schedule& schedule);

}  // namespace pipeloom::tests
