#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/evaluate/evaluate.h"
#include "planner/schedules/frameworks.h"
#include "planner/schedules/schedule_table.h"

namespace pipeloom::planner {

// What one schedule makes of a job, in numbers.
struct ComparedNumbers {
  int64_t step_ns = 0;
  int64_t makespan_ns = 0;
  int64_t span_ns = 0;
  double bubble_global_rate = 0;
  double bubble_span_rate = 0;
  int64_t peak_memory = 0;  // on the fullest rank: bytes; without a model, millionths of a rank's whole share
  int fullest_rank = 0;
  int weight_copies = 1;
  double overlap = 0;
  bool fits = false;           // the fullest rank stays within the memory limit
  bool may_not_fit = false;    // it is so close to the limit that the prediction's error decides
  bool close_to_best = false;  // its time per step can't be told from that of the first, by the errors of predictions
};

struct ComparedSchedule {
  const NamedSchedule* named = nullptr;
  Job job;                          // the job as this schedule runs it
  Result<ComparedNumbers> numbers;  // or why the schedule can't run
};

// Evaluates every named schedule for one job. Schedules that fit come first, by time per step; then those that don't
// fit; then those that can't run. All do equal work: direct costs with one entry are a rank's whole share of a
// micro-batch, which a schedule with several chunks per rank divides among them, as it does the activations.
// `framework`: whose schedules alone can run; nullptr: all.
std::vector<ComparedSchedule> compare_schedules(const Job& job, const Framework* framework = nullptr);

}  // namespace pipeloom::planner
