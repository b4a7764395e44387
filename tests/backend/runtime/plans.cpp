#include "tests/backend/runtime/plans.h"

#include <ostream>

#include "core/tasks/lower.h"
#include "planner/evaluate/evaluate.h"

namespace pipeloom::planner {

void PrintTo(const NamedSchedule& row, std::ostream* out) {
  *out << row.name;
}

}  // namespace pipeloom::planner

namespace pipeloom::tests {

Result<Plan> plan_with(const Job& job, std::string_view schedule) {
  PIPELOOM_TRY(const planner::NamedSchedule* named, planner::find_schedule(schedule));
  PIPELOOM_TRY(Job own, planner::job_for(job, *named));
  PIPELOOM_TRY(planner::Evaluation evaluation, planner::evaluate(own, *named));
  return make_plan(std::move(own), std::string(named->name), std::move(evaluation.schedule),
                   std::move(evaluation.costs), 2, {});
}

}  // namespace pipeloom::tests
