#include "planner/diff/diff.h"

#include <gtest/gtest.h>

#include "core/lowering/lower.h"
#include "planner/evaluate.h"
#include "sim/cost/layer_costs.h"
#include "sim/engine/task_sweep.h"
#include "tests/support/models.h"

namespace pipeloom {
namespace {

Plan dualpipe_plan() {
  const Job job = test::deepseek_v3_job();
  Evaluation evaluation = evaluate(job, *find_schedule("dualpipe").value()).value();
  return make_plan(job, "dualpipe", evaluation.schedule, evaluation.costs, 20, {});
}

// Every task as predicted, `percent` of its time long.
Trace trace_of(const Plan& plan, int64_t percent) {
  const TaskGraph graph = lower(plan);
  const TaskTimes times = sweep_tasks(graph).value();
  Trace trace;
  trace.plan_digest = plan.task_digest;
  for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
    trace.spans.push_back({graph.tasks()[task].key, graph.tasks()[task].lane, times.start_ns[task] * percent / 100,
                           times.end_ns[task] * percent / 100});
  }
  return trace;
}

TEST(Diff, OfARunAsPredictedIsNone) {
  const Plan plan = dualpipe_plan();
  const PlanDiff result = diff(plan, trace_of(plan, 100)).value();
  EXPECT_EQ(result.executed_step_ns, result.predicted_step_ns);
  EXPECT_EQ(result.missing, 0);
  for (const RankDiff& rank : result.ranks) {
    EXPECT_EQ(rank.executed_busy_ns, rank.predicted_busy_ns);
    EXPECT_EQ(rank.executed_end_ns, rank.predicted_end_ns);
  }
  for (const KindDiff& kind : result.kinds) EXPECT_EQ(kind.executed_median_ns, kind.predicted_median_ns) << kind.kind;
}

TEST(Diff, SaysHowMuchSlowerARunWas) {
  const Plan plan = dualpipe_plan();
  Trace trace = trace_of(plan, 150);
  trace.spans.pop_back();
  const PlanDiff result = diff(plan, trace).value();
  EXPECT_NEAR(static_cast<double>(result.executed_step_ns), 1.5 * static_cast<double>(result.predicted_step_ns), 1e6);
  EXPECT_EQ(result.missing, 1);
}

TEST(Diff, RefusesTheTraceOfAnotherPlan) {
  const Plan plan = dualpipe_plan();
  Trace trace = trace_of(plan, 100);
  trace.plan_digest ^= 1;
  EXPECT_EQ(diff(plan, trace).error().message, "the trace is of another plan: its tasks are not this plan's");
  trace.plan_digest = 0;
  trace.spans[0].key.slot = 99'999;
  EXPECT_NE(diff(plan, trace).error().message.find("which the plan has not"), std::string::npos);
}

// What was measured is what the next plan is made of: layers alone, embedding and head too.
TEST(Diff, MeasuredLayersBecomeTheNextCosts) {
  const Plan plan = dualpipe_plan();
  Job job = plan.job;
  const auto slow = measured_layers_of(plan, {trace_of(plan, 200)});
  ASSERT_EQ(slow.size(), 63u);  // embedding, 61 layers, head
  EXPECT_EQ(slow.front().layer, -1);
  EXPECT_EQ(slow.back().layer, 61);
  job.measured_layers = slow;
  const LayerCosts costs = layer_costs(make_job(job).value(), {132});
  EXPECT_EQ(sum_of(costs.layers[30]).forward_ns, slow[31].f_ns);
  EXPECT_EQ(costs.first.front().weight_ns, slow.front().w_ns);
  EXPECT_EQ(costs.last.front().forward_ns, slow.back().f_ns);
}

}  // namespace
}  // namespace pipeloom
