#include "tests/backend/runtime/plans.h"

#include <ostream>

#include "core/lowering/lower.h"
#include "planner/evaluate.h"

namespace pipeloom {

void PrintTo(const NamedSchedule& row, std::ostream* out) {
  *out << row.name;
}

}  // namespace pipeloom

namespace pipeloom::tests {

Result<Plan> plan_with(const Job& job, std::string_view schedule) {
  PIPELOOM_TRY(const NamedSchedule* named, find_schedule(schedule));
  PIPELOOM_TRY(Job own, job_for(job, *named));
  PIPELOOM_TRY(Evaluation evaluation, evaluate(own, *named));
  return make_plan(std::move(own), std::string(named->name), std::move(evaluation.schedule),
                   std::move(evaluation.costs), 2, {});
}

}  // namespace pipeloom::tests
