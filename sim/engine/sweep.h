#pragma once

#include <cstdint>
#include <vector>

#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"
#include "sim/engine/steps.h"

namespace pipeloom::sim {

// Buffers of a sweep, kept by the caller so that a search allocates nothing per candidate.
struct SweepBuffers {
  std::vector<int64_t> outputs_ns;  // [output] when it arrives
  std::vector<int64_t> lane_free_ns;
};

// Returns when the last slot ends if every slot starts as soon as its lane and its inputs allow (asynchronous P2P with
// latency only). O(slots), no allocation once `buffers` has grown. Pure: same input, same result, bit for bit.
int64_t sweep_makespan(const Steps& steps, SweepBuffers& buffers);

// Returns the times of every slot too. REQUIRES: `steps` was made from `schedule`.
Timeline sweep_timeline(const Schedule& schedule, const Steps& steps);

}  // namespace pipeloom::sim
