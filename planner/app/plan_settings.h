#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/subject/subject.h"

namespace pipeloom::planner {

// What a person may change about a plan without editing its job's file.
struct PlanSettings {
  std::string schedule;
  int ranks = 1;          // those of one pipeline
  int micro_batches = 1;  // those of one pipeline in one step
  int chunks = 0;         // stages on each rank; 0: the schedule's default
  int tensor = 1;
  int expert = 1;
  Precision precision = Precision::kBf16;
  Recompute recompute = Recompute::kNone;
  int64_t memory_limit_bytes = 0;  // 0: all that the GPU has
  int comm_sms = 0;                // 0: the job has no cluster

  bool operator==(const PlanSettings&) const = default;
};
PlanSettings settings_of(const Subject& subject);
// Plans the job anew with these settings. With a model the other replicas take what GPUs are left, and the
// batch grows or shrinks with the number of micro-batches. Pure.
Result<Subject> with_settings(const Subject& subject, const PlanSettings& settings);

}  // namespace pipeloom::planner
