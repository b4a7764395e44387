#pragma once

#include <span>
#include <string_view>

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/schedules/schedule_table.h"

namespace pipeloom::planner {

// Who is to run a plan, and so which schedules and layouts it may have. To add one, write its check and its row in
// frameworks.cpp.
struct Framework {
  std::string_view name;     // what people type: "megatron"
  std::string_view title;    // what people read: "Megatron-LM"
  std::string_view summary;  // its schedules, in one line
  std::string_view source;   // the version that was read
  // Says why it can't run the job with a schedule. REQUIRES: the job is as the schedule runs it (job_for).
  Status (*check)(const Job&, const NamedSchedule&);
};

std::span<const Framework> frameworks();

// Returns nullptr for an empty name: anybody. The error for an unknown name lists all of them.
Result<const Framework*> find_framework(std::string_view name);

}  // namespace pipeloom::planner
