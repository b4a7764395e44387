// The schedule level and the component level agree where nothing contends beyond a slot (docs/architecture.md, the
// rules).

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/tasks/lower.h"
#include "planner/evaluate/evaluate.h"
#include "planner/overlap/split.h"
#include "planner/schedules/schedule_table.h"
#include "sim/cost/job_costs.h"
#include "sim/engine/simulate.h"
#include "sim/engine/simulate_tasks.h"
#include "tests/support/models.h"
#include "tests/support/orders.h"

namespace pipeloom::planner {
namespace {

// The slots' own contention is in their durations at both levels. Links only delay here: an occupied link is shared in
// another way at each level.
StepCosts with_free_links(StepCosts costs, int ranks) {
  ScheduleCosts::Input input = costs.schedule.input();
  for (LinkCost& link : input.links) link.bytes_per_s = 0;
  costs.schedule = ScheduleCosts::create(costs.schedule.stages(), ranks, input).value();
  return costs;
}

// How the two levels time one job with one schedule; nothing where the schedule can't run it.
void expect_equal_levels(const Job& job, const NamedSchedule& named, const sim::SlotOrder& slot_order, int& compared) {
  auto evaluation = evaluate(job, named, slot_order);
  if (!evaluation) return;
  evaluation->costs = with_free_links(std::move(evaluation->costs), job.layout.pipeline);
  evaluation = evaluate(job, std::move(evaluation->schedule), std::move(evaluation->costs));
  SCOPED_TRACE(fmt::format("{} on {} ranks, {} micro-batches, receive depth {}", named.name, job.layout.pipeline,
                           job.micro_batches, job.p2p.receive_depth));
  StepRules rules = step_rules(job);
  rules.receive_depth = job.p2p.receive_depth;
  const TaskGraph graph = lower(evaluation->schedule, evaluation->costs, rules);
  const sim::TaskTimes swept = sim::sweep_tasks(graph).value();
  int64_t last_component_ns = 0;
  for (size_t task = 0; task < graph.tasks().size(); ++task) {
    if (graph.tasks()[task].key.kind == TaskKind::kComponent) {
      last_component_ns = std::max(last_component_ns, swept.end_ns[task]);
    }
  }
  EXPECT_EQ(last_component_ns, evaluation->timeline.makespan_ns);
  EXPECT_EQ(swept.makespan_ns, evaluation->end.step_ns);
  EXPECT_EQ(sim::simulate_tasks(graph, sim::uncontended_loads(graph)).value().makespan_ns, evaluation->end.step_ns);
  ++compared;
}

TEST(Levels, AgreeOnGivenCosts) {
  for (const NamedSchedule& named : named_schedules()) {
    int compared = 0;
    for (const int ranks : {2, 4, 8}) {
      for (const int micro_batches : {ranks, 2 * ranks, 3 * ranks + 2}) {
        Job job = tests::direct_job(ranks, micro_batches);
        job.costs->f_ns = {10'007};
        job.costs->i_ns = {13'001};
        job.costs->w_ns = {5'003};
        job.costs->b_ns = {17'011};     // less than I + W
        job.costs->pair_ns = {24'013};  // less than F + B
        job.p2p.latency_ns = 701;
        for (const int receive_depth : {0, 1, 2}) {
          job.p2p.receive_depth = receive_depth;
          expect_equal_levels(job, named, sim::usual_order, compared);
        }
        job.p2p.mode = P2pMode::kBlocking;
        expect_equal_levels(job, named, sim::usual_order, compared);
      }
    }
    EXPECT_GT(compared, 0) << named.name;
  }
}

TEST(Levels, AgreeOnPairsOfFAndI) {
  Job job = tests::direct_job(2, 3);
  job.costs->f_ns = {10'007};
  job.costs->i_ns = {13'001};
  job.costs->w_ns = {5'003};
  job.costs->input_pair_ns = {17'011};
  const RankOrders orders = tests::parse_orders(
      "0: F0 F1 F2&I0 W0 I1 W1 I2 W2\n"
      "1: F0 F1&I0 W0 F2&I1 I2 W1 W2\n");
  const Placement placement = Placement::linear(2).value();
  const Schedule schedule = Schedule::create(placement, 3, orders).value();
  const StepCosts costs = sim::step_costs(job, placement, {}, sim::usual_order).value();
  const Timeline timeline = sim::simulate(schedule, costs.schedule, {P2pMode::kAsync, 0}).value();
  EXPECT_EQ(timeline.makespan_ns, 2 * 10'007 + 3 * 17'011 + 2 * (13'001 + 5'003));
  const TaskGraph graph = lower(schedule, costs, step_rules(job));
  EXPECT_EQ(sim::sweep_tasks(graph)->makespan_ns, timeline.makespan_ns);
  EXPECT_EQ(sim::simulate_tasks(graph, sim::uncontended_loads(graph))->makespan_ns, timeline.makespan_ns);
}

TEST(Levels, AgreeOnModels) {
  Job moe = tests::deepseek_v3_job();
  moe.cluster->comm_sms = 9;  // few enough that orders are found which hold W's back
  Job dense = tests::llama3_405b_job();
  dense.cluster->gpu.rates.host_us_per_kernel = 60;  // layers that wait for the host
  Job slow_host = moe;
  slow_host.cluster->gpu.rates.host_us_per_kernel = 150;  // hides under compute on fewer SMs
  for (Job job : {moe, slow_host, dense}) {
    job.batch.global_batch = job.layout.data * 40;
    job.micro_batches = 0;
    int compared = 0;
    for (const NamedSchedule& named : named_schedules()) {
      for (const int receive_depth : {0, 2}) {
        job.p2p.receive_depth = receive_depth;
        const auto made = make_job(job);
        const auto adapted = made ? job_for(*made, named) : made;
        if (!adapted) continue;
        for (const sim::SlotOrder& slot_order : {sim::SlotOrder(sim::usual_order), sim::SlotOrder(searched_order)}) {
          expect_equal_levels(*adapted, named, slot_order, compared);
        }
      }
    }
    EXPECT_GE(compared, 2 * 2 * 18) << job.name;
  }
}

}  // namespace
}  // namespace pipeloom::planner
