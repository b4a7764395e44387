#pragma once

#include <cstdint>

#include "planner/evaluate/evaluate.h"

namespace pipeloom::planner {

// Where a step's time goes, mean of the ranks, as table 4 of DeepSeek's ISCA'25 paper (arXiv 2505.09343) cuts it. The
// paper does not say where a whole B counts, nor whether a figure is a mean; here a B counts in I and W, and every
// figure is a mean, so that the parts sum to the step.
struct StepParts {
  int64_t forward_ns = 0;    // F outside of pairs
  int64_t input_ns = 0;      // I outside of pairs, that of whole B too
  int64_t weight_ns = 0;     // W outside of pairs, that of whole B too
  int64_t pairs_ns = 0;      // overlapped pairs
  int64_t bubble_ns = 0;     // idle until the last rank ends
  int64_t optimizer_ns = 0;  // gradient reduction and optimizer after the last pass of any rank
};
StepParts step_parts(const Evaluation& evaluation);

}  // namespace pipeloom::planner
