#pragma once

#include <cstdint>
#include <optional>

#include "core/job/job.h"

namespace pipeloom::planner {

// Where a step that was predicted lies in four of five trainings, by the errors of those that were left out of the fit.
struct StepInterval {
  int64_t low_ns = 0;
  int64_t high_ns = 0;
};
// Nothing if the job's software has no such errors.
std::optional<StepInterval> step_interval(const Job& job, int64_t predicted_ns);

// Whether two predicted steps of one job, or of jobs of one model on the same GPUs, are closer than what predictions of
// such pairs are off in one of five cases. False if the errors are not known.
bool too_close_to_call(const Job& job, int64_t predicted_ns, int64_t other_ns);

}  // namespace pipeloom::planner
