#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/job/job.h"

namespace pipeloom::planner {

// Where a memory figure that was predicted lies in four of five trainings, by the errors of those that were left out of
// the fit, in bytes.
struct MemoryInterval {
  int64_t low_bytes = 0;
  int64_t high_bytes = 0;
};
// `counter`: "reserved" or "nvidia-smi". Nothing for others, and for a job without software.
std::optional<MemoryInterval> memory_interval(const Job& job, std::string_view counter, int64_t predicted_bytes);

// Of all that the fullest rank holds, which decides whether a job fits.
std::optional<MemoryInterval> peak_interval(const Job& job, int64_t predicted_bytes);

// Whether a peak that is predicted to fit lies so close to the limit that it may not.
bool may_not_fit(const Job& job, int64_t predicted_bytes);

}  // namespace pipeloom::planner
