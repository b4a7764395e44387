#pragma once

#include <cstdint>

#include "core/job/job.h"

namespace pipeloom::planner {

// What no plan of a job can do without, whatever its placement, layers per stage and order. Proofs in
// docs/bounds.md, "Layouts". REQUIRES: the job has a model. O(layers).
struct LayoutBound {
  int64_t step_ns = 0;        // with overlapped pairs
  int64_t step_alone_ns = 0;  // without
  int64_t bytes[2] = {0, 0};  // of the fullest rank with one and two copies of the weights
};
LayoutBound layout_bound(const Job& job);

}  // namespace pipeloom::planner
