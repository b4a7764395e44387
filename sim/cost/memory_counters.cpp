#include "sim/cost/memory_counters.h"

#include <cmath>

#include "sim/cost/rounding.h"

namespace pipeloom::sim {

int64_t fragmentation_bytes(const Job& job, int64_t lasting_bytes, int64_t churn_bytes) {
  if (!job.software) return 0;
  return rounded_bytes(kChurnFragmentation * static_cast<double>(churn_bytes) +
                       kStateFragmentation * static_cast<double>(lasting_bytes));
}

int64_t churn_within(const Job& job, int64_t available_bytes) {
  if (!job.software) return available_bytes;
  return static_cast<int64_t>(std::floor(static_cast<double>(available_bytes) / (1 + kChurnFragmentation)));
}

}  // namespace pipeloom::sim
