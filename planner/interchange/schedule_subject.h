#pragma once

#include <string>

#include "core/base/result.h"
#include "core/job/job.h"
#include "core/schedule/schedule.h"
#include "planner/subject/subject.h"

namespace pipeloom::planner {

// Evaluates a schedule that comes from elsewhere with the costs of `job`. Layers are divided among its stages so that
// the step is shortest. Fails if the job has another number of ranks or micro-batches.
Result<Subject> subject_of_schedule(const Job& job, std::string schedule_name, const Schedule& schedule);

// Returns a job without a model that has the schedule's ranks and micro-batches; F, I and W take one unit.
Job job_of_schedule(const Schedule& schedule);

}  // namespace pipeloom::planner
