#include "planner/overlap/hand_over_split.h"

#include <gtest/gtest.h>

#include "planner/subject/subject.h"
#include "proto/plan/plan_io.h"
#include "tests/support/models.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

// What so many SMs copy: `per_sm` each, as far as `most` of them; in chunks that tell which curve was taken.
std::vector<HandOverCurve> curves(double per_sm, int most) {
  std::vector<HandOverCurve> all;
  for (const int sms : {4, 8, 12, 16, 20, 24}) {
    all.push_back({sms, {{1 << 20, per_sm * std::min(sms, most), {CopyMethod::kBulk, 1024 * sms}}}});
  }
  return all;
}

// Four ranks on one H100.
Job job_with(std::vector<HandOverCurve> measured) {
  Job job = tests::llama3_405b_job();
  job.model = tests::llama2_7b();
  job.model->layers = 8;
  job.batch = {.sequence_length = 1024, .micro_batch_size = 1, .global_batch = 16};
  job.layout = {};
  job.layout.pipeline = 4;
  job.cluster = tests::h100_cluster(1);
  job.cluster->gpus_per_node = 4;
  job.cluster->comm_sms = 16;
  job.cluster->gpu.rates.hand_over = std::move(measured);
  job.cluster->shared_gpu = job.cluster->gpu;
  job.memory_limit_bytes = 500'000'000'000;
  job.schedule.name = "1f1b";
  return make_job(std::move(job)).value();
}

int chosen(const Job& job) {
  return planner::plan_overlap(planner::subject_of(job).value(), {})->job.cluster->comm_sms;
}

// A link that is as fast as ever with the fewest SMs leaves the others to compute.
TEST(HandOverSplit, SmsThatBringNothingCompute) {
  EXPECT_EQ(chosen(job_with(curves(100e9, 4))), 4);
}

TEST(HandOverSplit, SmsThatPayAreGiven) {
  const int slow = chosen(job_with(curves(0.05e9, 100)));
  EXPECT_GT(slow, 8);
  // The same SMs, but beyond the eighth they bring nothing.
  EXPECT_EQ(chosen(job_with(curves(0.05e9, 8))), 8);
}

TEST(HandOverSplit, TheCurveGoesBothWays) {
  const Job job = job_with(curves(0.05e9, 8));
  const auto splits = planner::hand_over_splits(job, *planner::find_schedule("1f1b").value(),
                                                planner::hand_over_candidates(*job.cluster));
  ASSERT_EQ(splits.size(), 6u);  // 4 to 24 of 32
  EXPECT_GT(splits[0].step_ns, splits[1].step_ns);
  EXPECT_LT(splits[1].step_ns, splits[5].step_ns);
  EXPECT_DOUBLE_EQ(splits[1].bytes_per_s, 0.4e9);
  EXPECT_EQ(splits[1].how, (HandOverCopy{CopyMethod::kBulk, 8192}));
  EXPECT_EQ(planner::with_best_hand_over(job, {}), job);
}

TEST(HandOverSplit, ThePlanStoresWhatWasChosen) {
  const TempFolder folder;
  const std::string path = folder.path("x.plan");
  const planner::Subject subject =
      planner::plan_overlap(planner::subject_of(job_with(curves(0.05e9, 8))).value(), {}).value();
  ASSERT_TRUE(proto::write_plan(path, planner::plan_of(subject)).has_value());
  const Plan plan = proto::read_plan(path).value();
  EXPECT_EQ(plan.comm_sms, 8);
  EXPECT_EQ(plan.job.cluster->comm_sms, 8);
  EXPECT_EQ(plan.job.cluster->hand_over, (HandOverCopy{CopyMethod::kBulk, 8192}));
  EXPECT_EQ(plan.costs.schedule.link(0, 1).bytes_per_s, 400'000'000);
}

TEST(HandOverSplit, WhatTheUserFixesStays) {
  Job job = job_with(curves(0.05e9, 8));
  const planner::Subject fixed = planner::plan_overlap(planner::subject_of(job).value(), 12).value();
  EXPECT_EQ(fixed.job.cluster->comm_sms, 12);
  EXPECT_EQ(fixed.job.cluster->hand_over, (HandOverCopy{CopyMethod::kBulk, 12'288}));
  EXPECT_GT(fixed.evaluation.end.step_ns,
            planner::plan_overlap(planner::subject_of(job).value(), {})->evaluation.end.step_ns);
  job.cluster->hand_over = HandOverCopy{CopyMethod::kStreaming, 4096};
  EXPECT_EQ(planner::plan_overlap(planner::subject_of(job).value(), {})->job.cluster->hand_over,
            job.cluster->hand_over);
}

// Measured layers are of the split that they were measured with.
TEST(HandOverSplit, MeasuredLayersKeepTheirSplit) {
  Job job = job_with(curves(100e9, 4));
  job.measured_layers.push_back({0, 1'000'000, 1'000'000, 1'000'000, Component::kStage});
  EXPECT_EQ(chosen(make_job(job).value()), 16);
}

// Without a choice the hand-over is still written down.
TEST(HandOverSplit, AnUnmeasuredGpuKeepsItsSplit) {
  const planner::Subject subject = planner::plan_overlap(planner::subject_of(job_with({})).value(), {}).value();
  EXPECT_EQ(subject.job.cluster->comm_sms, 16);
  EXPECT_EQ(subject.job.cluster->hand_over->piece_bytes, int64_t{28} * 4096 * 2);
}

}  // namespace
}  // namespace pipeloom::tests
