#pragma once

#include <string>

#include "core/base/result.h"
#include "core/job/job.h"
#include "core/schedule/schedule.h"
#include "planner/subject/subject.h"

namespace pipeloom::planner {

// A schedule that comes from elsewhere, with the costs of `job`: layers divided among its stages in the way that makes
// the step shortest. Fails where the job has another number of ranks or micro-batches.
Result<Subject> subject_of_schedule(const Job& job, std::string schedule_name, const Schedule& schedule);

// A job for learning that has the schedule's ranks and micro-batches; F, I and W last one unit.
Job job_of_schedule(const Schedule& schedule);
// The schedule with the costs of that job.
Result<Subject> subject_of_schedule(std::string schedule_name, const Schedule& schedule);

}  // namespace pipeloom::planner
