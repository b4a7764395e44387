#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/costs/costs.h"
#include "core/job/job.h"
#include "core/schedule/placement.h"
#include "core/schedule/schedule.h"
#include "planner/schedules/shape.h"

namespace pipeloom::planner {

// Inputs, beside the shape, of a schedule that decides by costs or memory.
struct ScheduleInputs {
  const ScheduleCosts& costs;
  // [stage] What one micro-batch holds, in any unit; empty: one unit, all of it kept for W.
  std::span<const ActivationSize> activations = {};
  // What a rank may hold, in the unit of `activations`; 0: the schedule's own limit.
  int64_t memory_limit = 0;
};

// One named schedule. To add one, write its file, its declaration in schedules.h and its row in schedule_table.cpp.
struct NamedSchedule {
  std::string_view name;     // what people type: "1f1b", "dualpipe"
  std::string_view title;    // what people read: "1F1B", "DualPipe"
  std::string_view summary;  // one line
  std::string_view paper;    // its source
  // True if there is no public reference code: the schedule is validated, but our reading of the paper.
  bool our_reading = false;
  Result<Placement> (*placement)(const PipelineShape&);
  // REQUIRES: costs are for the placement's stages.
  Result<Schedule> (*generate)(const PipelineShape&, const ScheduleInputs&);
  // Changes a job with a model as the schedule needs it (recomputation, smaller micro-batches); nullptr: leaves it as
  // it is.
  Result<Job> (*adapt)(Job) = nullptr;
  // True if some of its slots are overlapped pairs.
  bool pairs = false;
};

std::span<const NamedSchedule> named_schedules();

// Finds a schedule by name. Case, dashes and underscores don't matter. The error for an unknown name suggests the
// nearest one.
Result<const NamedSchedule*> find_schedule(std::string_view name);

}  // namespace pipeloom::planner
