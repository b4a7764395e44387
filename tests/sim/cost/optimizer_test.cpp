#include "sim/cost/optimizer.h"

#include <gtest/gtest.h>

#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

constexpr StageParameters kMillion = {.dense = 1'000'000, .routed = 0, .ends = 0};

// 8 replicas, FP32 gradients, 45 GB/s: 7/8 of 4 MB.
TEST(Optimizer, ReducesInARing) {
  Job job = tests::llama3_405b_job();
  EXPECT_NEAR(static_cast<double>(gradient_reduction_ns(job, kMillion, 1)), 7.0 / 8 * 4e6 / 45e9 * 1e9, 1);
  const int64_t scatter_ns = gradient_reduction_ns(job, kMillion, 1);
  job.zero_stage = 0;
  EXPECT_NEAR(static_cast<double>(gradient_reduction_ns(job, kMillion, 1)), 2.0 * static_cast<double>(scatter_ns), 1);
}

TEST(Optimizer, OneReplicaReducesNothing) {
  Job job = tests::llama3_405b_job();
  job.layout.data = 1;
  EXPECT_EQ(gradient_reduction_ns(job, kMillion, 1), 0);
  EXPECT_GT(gradient_reduction_ns(job, kMillion, 2), 0);  // two copies of the stage
}

// 28 B a parameter at 0.867 of 3.35 TB/s, an eighth of them; then 2 B of the other seven eighths.
TEST(Optimizer, UpdatesItsShareAndGathersTheRest) {
  Job job = tests::llama3_405b_job();
  const double update_ns = 1e6 * 28 / (0.867 * 3.35e12) * 1e9;
  const double gather_ns = 7.0 / 8 * 2e6 / 45e9 * 1e9;
  EXPECT_NEAR(static_cast<double>(optimizer_ns(job, kMillion, 1)), update_ns / 8 + gather_ns, 1);
  job.zero_stage = 0;
  EXPECT_NEAR(static_cast<double>(optimizer_ns(job, kMillion, 1)), update_ns, 1);
}

// Every W scatters its gradients and every pass gathers its weights; only the two copies of a stage are left to the
// end.
TEST(Optimizer, Zero3ReducesInTheBackwardPasses) {
  Job job = tests::llama3_405b_job();
  job.zero_stage = 3;
  EXPECT_EQ(gradient_reduction_ns(job, kMillion, 1), 0);
  EXPECT_GT(gradient_reduction_ns(job, kMillion, 2), 0);
  const double update_ns = 1e6 * 28 / (0.867 * 3.35e12) * 1e9;
  EXPECT_NEAR(static_cast<double>(optimizer_ns(job, kMillion, 1)), update_ns / 8, 1);
}

// An eighth of the FP32 gradients to the host at 50 GB/s; then the weights from the other replicas.
TEST(Optimizer, OffloadedUpdatesCrossToTheHost) {
  Job job = tests::llama3_405b_job();
  job.offload.optimizer = true;
  const double gather_ns = 7.0 / 8 * 2e6 / 45e9 * 1e9;
  EXPECT_NEAR(static_cast<double>(optimizer_ns(job, kMillion, 1)), 1e6 / 8 * 4 / 50e9 * 1e9 + gather_ns, 1);
}

// An eighth of the FP32 weights, or half of that with two copies of the stage, at 50 GB/s.
TEST(Optimizer, MovingAveragesCrossToTheHost) {
  const Job job = tests::llama3_405b_job();
  EXPECT_NEAR(static_cast<double>(ema_ns(job, kMillion, 1)), 1e6 / 8 * 4 / 50e9 * 1e9, 1);
  EXPECT_NEAR(static_cast<double>(ema_ns(job, kMillion, 2)), 1e6 / 16 * 4 / 50e9 * 1e9, 1);
}

}  // namespace
}  // namespace pipeloom::sim
