#include "tests/backend/runtime/plans.h"

#include <algorithm>
#include <ostream>
#include <vector>

#include "backend/device/launch_lowering.h"
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

int64_t makespan_ns(const Plan& plan) {
  const TaskGraph graph = launch_graph(plan);
  std::vector<int64_t> end_ns(graph.tasks().size(), 0);
  std::vector<uint32_t> before(graph.tasks().size(), UINT32_MAX);
  for (uint32_t queue = 0; queue < graph.queues(); ++queue) {
    const auto tasks = graph.queue(queue);
    for (size_t i = 1; i < tasks.size(); ++i) before[tasks[i]] = tasks[i - 1];
  }
  const std::vector<uint32_t> order = graph.topological_order().value();
  for (const uint32_t task : order) {
    int64_t begin_ns = before[task] == UINT32_MAX ? 0 : end_ns[before[task]];
    for (const TaskDependency& dependency : graph.dependencies(task)) {
      begin_ns = std::max(begin_ns, end_ns[dependency.from]);
    }
    end_ns[task] = begin_ns + graph.tasks()[task].duration_ns;
  }
  return std::ranges::max(end_ns);
}

}  // namespace pipeloom::tests
