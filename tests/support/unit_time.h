#pragma once

#include <cstdint>

#include "core/schedule/schedule.h"

namespace pipeloom::tests {

struct PassTimes {
  int64_t f = 1;
  int64_t b = 2;
  int64_t w = 1;  // I is B without W
};

// Returns when the last slot ends if each starts as soon as its rank and its inputs allow, and transfers take no time.
// A pair lasts F+B.
int64_t makespan(const Schedule& schedule, const PassTimes& times);

// Returns the most activations that a rank holds at once; each is freed with its last pass.
int64_t peak_activations(const Schedule& schedule, int rank);

}  // namespace pipeloom::tests
