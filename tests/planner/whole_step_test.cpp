#include "sim/report/whole_step.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "planner/evaluate/evaluate.h"
#include "tests/support/models.h"

namespace pipeloom::planner {
namespace {

// DeepSeek-V3 with a short step.
Job short_job() {
  Job job = tests::deepseek_v3_job();
  job.batch.global_batch = 128 * 32;
  job.micro_batches = 0;
  return make_job(job).value();
}

sim::WholeStep run(const Job& job, const sim::WholeStepOptions& options = {}) {
  const Evaluation evaluation = evaluate(job, *find_schedule("dualpipe").value()).value();
  return sim::simulate_whole_step(job, evaluation.schedule, evaluation.costs, options).value();
}

TEST(WholeStep, AlikeExpertRanksAreAsOne) {
  const Job job = short_job();
  const sim::WholeStep one = run(job);
  const sim::WholeStep eight = run(job, {.expert_ranks = 8});
  EXPECT_EQ(eight.step_ns, one.step_ns);
  EXPECT_EQ(eight.tasks, 8 * one.tasks);
  for (size_t rank = 0; rank < one.ranks.size(); ++rank) {
    EXPECT_EQ(eight.ranks[rank].peers_ns, 0);
    EXPECT_EQ(eight.ranks[rank].hidden_ns, one.ranks[rank].hidden_ns);
  }
}

TEST(WholeStep, SharingCostsTime) {
  const Job job = short_job();
  const Evaluation evaluation = evaluate(job, *find_schedule("dualpipe").value()).value();
  const sim::WholeStep step = sim::simulate_whole_step(job, evaluation.schedule, evaluation.costs, {}).value();
  EXPECT_GT(step.step_ns, evaluation.end.step_ns);
  EXPECT_LT(static_cast<double>(step.step_ns), 1.02 * static_cast<double>(evaluation.end.step_ns));
  for (const sim::LaneUse& use : step.ranks) {
    EXPECT_GT(use.slowed_ns, 0);
    EXPECT_GT(use.links_ns, 0);  // hand-overs and all-to-all meet on the NIC
    EXPECT_LE(use.hidden_ns, std::min(use.compute_ns, use.exchange_ns));
  }
}

TEST(WholeStep, ASlowNicIsSharedForLonger) {
  Job job = short_job();
  const auto shared_ns = [&] { return run(job).ranks[1].links_ns; };
  const int64_t before_ns = shared_ns();
  job.cluster->nic_bytes_per_s /= 2;
  EXPECT_GT(shared_ns(), before_ns);
}

// The fullest GPU of a group sets its pace; the others hold their SMs and wait.
TEST(WholeStep, ImbalancedExpertsWaitForEachOther) {
  Job job = short_job();
  const int64_t balanced_ns = run(job).step_ns;
  job.variation.expert_imbalance = 0.2;
  const sim::WholeStep step = run(job, {.expert_ranks = 8, .seed = 3});
  EXPECT_GT(step.step_ns, balanced_ns);
  for (const sim::LaneUse& use : step.ranks) EXPECT_GT(use.peers_ns, 0);
  EXPECT_EQ(run(job, {.expert_ranks = 8, .seed = 3}).step_ns, step.step_ns);
  EXPECT_NE(run(job, {.expert_ranks = 8, .seed = 4}).step_ns, step.step_ns);
}

TEST(WholeStep, RefusesExpertRanksThatDoNotDivide) {
  const Job job = short_job();
  const Evaluation evaluation = evaluate(job, *find_schedule("dualpipe").value()).value();
  const auto step = sim::simulate_whole_step(job, evaluation.schedule, evaluation.costs, {.expert_ranks = 3});
  EXPECT_EQ(step.error().message, "expert ranks: 3 is not allowed; it must divide layout.expert (64)");
}

}  // namespace
}  // namespace pipeloom::planner
