#pragma once

#include <vector>

#include "core/job.h"
#include "planner/evaluate.h"
#include "planner/schedules/table.h"

namespace pipeloom {

struct ComparedSchedule {
  const NamedSchedule* named = nullptr;
  Job job;                        // as this schedule runs it
  Result<Evaluation> evaluation;  // or why it can't run
  bool fits = false;              // it runs, and its fullest rank stays within the memory limit
};

// Every schedule of the table for one job: those that fit by time per step, then those that don't fit, then those that
// can't run. At equal work: direct costs with one entry are those of a rank's whole share of a micro-batch, which a
// schedule with several chunks per rank divides among them, and its activations too.
std::vector<ComparedSchedule> compare_schedules(const Job& job);

}  // namespace pipeloom
