#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/evaluate/evaluate.h"
#include "planner/schedules/schedule_table.h"

namespace pipeloom::planner {

// What one schedule makes of the job, in numbers.
struct ComparedNumbers {
  int64_t step_ns = 0;
  int64_t makespan_ns = 0;
  int64_t span_ns = 0;
  double bubble_global_rate = 0;
  double bubble_span_rate = 0;
  int64_t peak_memory = 0;  // of the fullest rank: bytes; without a model, millionths of a rank's whole share
  int fullest_rank = 0;
  int weight_copies = 1;
  double overlap = 0;
  bool fits = false;  // the fullest rank stays within the memory limit
};

struct ComparedSchedule {
  const NamedSchedule* named = nullptr;
  Job job;                          // as this schedule runs it
  Result<ComparedNumbers> numbers;  // or why it can't run
};

// Every schedule of the table for one job: those that fit by time per step, then those that don't fit, then those that
// can't run. At equal work: direct costs with one entry are those of a rank's whole share of a micro-batch, which a
// schedule with several chunks per rank divides among them, and its activations too.
std::vector<ComparedSchedule> compare_schedules(const Job& job);

}  // namespace pipeloom::planner
