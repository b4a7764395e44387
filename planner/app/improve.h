#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "planner/search/search.h"
#include "planner/subject/subject.h"

namespace pipeloom::planner {

struct Improved {
  Subject subject;
  int64_t bound_ns = 0;
  bool better = false;  // false: the subject is the one that was there
};
// Searches an order that is better than the subject's, on its placement and within its memory, until `limits` end it.
// `activation_cap` is for a job without a model, in millionths of an activation; 0: what the subject itself holds.
Result<Improved> improved(const Subject& subject, int64_t activation_cap, const SearchLimits& limits);

}  // namespace pipeloom::planner
