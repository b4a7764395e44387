#pragma once

#include <cstdint>

#include "core/job/job.h"

namespace pipeloom::planner {

// Lower bounds of time and memory over all placements, partitions and orders of a job. Proofs in docs/bounds.md,
// "Layouts". REQUIRES: the job has a model. O(layers).
struct LayoutBound {
  int64_t step_ns = 0;        // with overlapped pairs
  int64_t step_alone_ns = 0;  // without pairs
  int64_t bytes[2] = {0, 0};  // on the fullest rank, with one and with two weight copies
};
LayoutBound layout_bound(const Job& job);

}  // namespace pipeloom::planner
