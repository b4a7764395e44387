#include "planner/diff/diff.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/tasks/lower.h"
#include "planner/diff/overlap.h"
#include "planner/evaluate/evaluate.h"
#include "sim/cost/layer_costs.h"
#include "sim/engine/task_sweep.h"
#include "tests/support/models.h"

namespace pipeloom::planner {
namespace {

Plan dualpipe_plan() {
  const Job job = tests::deepseek_v3_job();
  Evaluation evaluation = evaluate(job, *find_schedule("dualpipe").value()).value();
  return make_plan(job, "dualpipe", evaluation.schedule, evaluation.costs, 20, {});
}

// Every task as predicted, `percent` of its time long.
Trace trace_of(const Plan& plan, int64_t percent) {
  const TaskGraph graph = lower(plan);
  const sim::TaskTimes times = sim::sweep_tasks(graph).value();
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
    EXPECT_EQ(rank.executed.busy_ns, rank.predicted.busy_ns);
    EXPECT_EQ(rank.executed.end_ns, rank.predicted.end_ns);
    EXPECT_EQ(rank.executed.overlapped_ns, rank.predicted.overlapped_ns);
    EXPECT_GT(rank.executed.overlap(), 0.1);
    EXPECT_LT(rank.executed.overlap(), 1);
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

TEST(Diff, EveryReplicaIsComparedAlone) {
  const Plan plan = dualpipe_plan();
  Trace trace = trace_of(plan, 100);
  const Trace slow = trace_of(plan, 200);
  for (Span span : slow.spans) {
    span.replica = 1;
    trace.spans.push_back(span);
  }
  const PlanDiff result = diff(plan, trace).value();
  const size_t ranks = plan.schedule.ranks();
  ASSERT_EQ(result.ranks.size(), 2 * ranks);
  EXPECT_EQ(result.missing, 0);
  EXPECT_EQ(result.executed_step_ns, 2 * result.predicted_step_ns);
  EXPECT_EQ(result.ranks[0].executed.busy_ns, result.ranks[0].predicted.busy_ns);
  EXPECT_EQ(result.ranks[ranks].executed.busy_ns, 2 * result.ranks[ranks].predicted.busy_ns);
}

// An optimizer that has to wait for nothing but the moving average is what that costs the step.
TEST(Diff, SaysWhatTheMovingAverageCosts) {
  Job job = tests::deepseek_v3_job();
  job.ema_decay = 0.999;
  Evaluation evaluation = evaluate(job, *find_schedule("1f1b").value()).value();
  const Plan plan = make_plan(job, "1f1b", evaluation.schedule, evaluation.costs, 20, {});
  Trace trace = trace_of(plan, 100);
  PlanDiff result = diff(plan, trace).value();
  for (const RankDiff& rank : result.ranks) {
    EXPECT_EQ(rank.predicted.average_wait_ns, 0);
    EXPECT_EQ(rank.executed.average_wait_ns, 0);
  }
  // Everything that the optimizer of rank 3 waits for ends before its begin; the average 250 us behind that.
  int64_t optimizer_ns = 0;
  for (const Span& span : trace.spans) {
    if (span.key.rank == 3 && span.key.kind == TaskKind::kOptimizer) optimizer_ns = span.begin_ns;
  }
  for (Span& span : trace.spans) {
    if (span.key.rank != 3) continue;
    if (span.key.kind == TaskKind::kEma) span.end_ns = optimizer_ns + 250'000;
    if (span.key.kind == TaskKind::kOptimizer) span.begin_ns += 250'000;
  }
  result = diff(plan, trace).value();
  EXPECT_EQ(result.ranks[3].executed.average_wait_ns, 250'000);
  EXPECT_EQ(result.ranks[2].executed.average_wait_ns, 0);
}

// What a task waited for others is not what it took.
TEST(Diff, WaitsAreLeftOut) {
  const Plan plan = dualpipe_plan();
  Trace trace = trace_of(plan, 100);
  for (Span& span : trace.spans) {
    span.begin_ns -= 1'000'000;
    span.waited_ns = 1'000'000;
  }
  const PlanDiff result = diff(plan, trace).value();
  for (const KindDiff& kind : result.kinds) EXPECT_EQ(kind.executed_median_ns, kind.predicted_median_ns) << kind.kind;
  EXPECT_EQ(result.ranks[3].executed.busy_ns, result.ranks[3].predicted.busy_ns);
}

TEST(Overlap, CountsWhatLiesWithinTheCover) {
  EXPECT_EQ(covered_ns({{0, 10}, {5, 25}}, {{20, 30}, {2, 4}, {8, 12}}), (2 + 2) + (4 + 5));
  EXPECT_EQ(covered_ns({{0, 10}}, {}), 0);
}

TEST(Diff, RefusesTheTraceOfAnotherPlan) {
  const Plan plan = dualpipe_plan();
  Trace trace = trace_of(plan, 100);
  trace.plan_digest ^= 1;
  EXPECT_EQ(diff(plan, trace).error().message, "the trace is of another plan: its tasks are not this plan's");
  trace.plan_digest = 0;
  trace.spans[0].key.slot = 99'999;
  EXPECT_NE(diff(plan, trace).error().message.find("which the plan does not have"), std::string::npos);
}

// What was measured is what the next plan is made of: layers alone, embedding and head too.
TEST(Diff, MeasuredLayersBecomeTheNextCosts) {
  const Plan plan = dualpipe_plan();
  Job job = plan.job;
  const auto slow = measured_layers_of(plan, {trace_of(plan, 200)});
  ASSERT_EQ(slow.size(), 1 + 3 * 2 + 58 * 5 + 1u);  // embedding, dense layers, MoE layers, head
  EXPECT_EQ(slow.front().layer, -1);
  EXPECT_EQ(slow.back().layer, 61);
  job.measured_layers = slow;
  const sim::LayerCosts costs = sim::layer_costs(make_job(job).value(), {132});
  for (const MeasuredLayer& row : slow) {
    if (row.layer != 30) continue;
    const auto part = std::ranges::find(costs.layers[30], row.component, &ComponentCost::component);
    EXPECT_EQ(part->forward_ns, row.f_ns) << component_name(row.component);
    EXPECT_EQ(part->input_ns, row.i_ns) << component_name(row.component);
  }
  EXPECT_EQ(costs.first.front().weight_ns, slow.front().w_ns);
  EXPECT_EQ(costs.last.front().forward_ns, slow.back().f_ns);
}

}  // namespace
}  // namespace pipeloom::planner
