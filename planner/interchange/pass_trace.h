#pragma once

#include <cstdint>
#include <vector>

#include "core/plan.h"
#include "core/result.h"
#include "core/trace.h"

namespace pipeloom {

// One slot of a schedule as a run measured it.
struct MeasuredSlot {
  Slot slot;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
};

// The measured slots of one step as a trace of the plan: every slot's components take the share of its time that the
// plan gives them. Times start at the first slot's begin. Where a slot is there several times, a run of several steps,
// the last counts. Fails where the plan does not have a slot.
Result<Trace> trace_of_slots(const Plan& plan, const std::vector<MeasuredSlot>& measured);

}  // namespace pipeloom
