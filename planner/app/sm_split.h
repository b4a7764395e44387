#pragma once

#include <vector>

#include "core/base/result.h"
#include "planner/overlap/split.h"
#include "planner/subject/subject.h"
#include "sim/cost/overlap_costs.h"

namespace pipeloom::planner {

// Splits the SMs in another way: a named schedule is generated anew, any other order stays. `slot_order` orders the
// components inside overlapped pairs; DeepSeek-V3's takes a tenth of the time that searching one does. Pure.
Result<Subject> with_comm_sms(const Subject& subject, int comm_sms,
                              const sim::SlotOrder& slot_order = sim::usual_order);
// The time per step for each number of SMs that communication may get. Empty where nothing overlaps.
std::vector<SplitPoint> split_points(const Subject& subject);

}  // namespace pipeloom::planner
