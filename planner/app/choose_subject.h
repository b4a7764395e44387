#pragma once

#include <string>

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/app/job_changes.h"
#include "planner/subject/subject.h"

namespace pipeloom::planner {

// Where a step comes from.
struct SubjectSource {
  std::string path = {};      // a job, a plan or a schedule; empty: `changes` are all of a job for learning
  std::string job_path = {};  // the job whose costs a schedule has; empty: those of `changes`
  JobChanges changes = {};
  std::string framework = {};  // that is to run a job (planner/schedules/frameworks.h); empty: any
};

// The job that a source names; refuses a plan and a schedule.
Result<Job> choose_job(const SubjectSource& source);

// The step of a job (with its schedule, or the best that fits), of a plan, or of a schedule.
Result<Subject> choose_subject(const SubjectSource& source);

}  // namespace pipeloom::planner
