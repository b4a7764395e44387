#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/device/program/kernel_spans.h"

namespace pipeloom::backend {

// What CUPTI says: which task an API call was made for, and when what it enqueued ran.
struct CorrelatedCall {
  uint32_t correlation = 0;
  uint32_t task = 0;
};
struct CorrelatedRun {
  uint32_t correlation = 0;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
};

// Both come in any order. Runs of calls that belong to no task are left out.
std::vector<KernelRecord> match_records(std::span<const CorrelatedCall> calls, std::span<const CorrelatedRun> runs);

}  // namespace pipeloom::backend
