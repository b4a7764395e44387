#include "sim/engine/task_sweep.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/lowering/lower.h"
#include "sim/engine/simulate.h"
#include "sim/engine/step_end.h"
#include "tests/sim/engine/moe_costs.h"
#include "tests/support/references.h"

namespace pipeloom {
namespace {

TEST(TaskSweep, ComponentsAndSlotsGiveTheSameStep) {
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    const StepCosts costs = tests::moe_costs(schedule);
    const Timeline timeline = simulate(schedule, costs.schedule, {}).value();
    const TaskGraph graph = lower(schedule, costs);
    const TaskTimes times = sweep_tasks(graph).value();
    int64_t last_component_ns = 0;
    for (size_t task = 0; task < graph.tasks().size(); ++task) {
      if (graph.tasks()[task].key.kind == TaskKind::kComponent) {
        last_component_ns = std::max(last_component_ns, times.end_ns[task]);
      }
    }
    EXPECT_EQ(last_component_ns, timeline.makespan_ns);
    EXPECT_EQ(times.makespan_ns, step_end(schedule, timeline, costs).step_ns);
  }
}

}  // namespace
}  // namespace pipeloom
