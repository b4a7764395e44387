#include "backend/cuda/run/one_gpu_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "backend/cuda/green/sm_contexts.h"
#include "backend/cuda/run/cuda_library.h"
#include "backend/cuda/run/gpu_facts.h"
#include "backend/device/program/launch_lowering.h"
#include "backend/device/run/training_launcher.h"
#include "core/tasks/lower.h"
#include "planner/evaluate/evaluate.h"
#include "tests/backend/cuda/gpu.h"
#include "tests/backend/cuda/makespan.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Tasks of half a millisecond, so that what a launch costs is little beside.
Job timed_job(int micro_batches) {
  Job job;
  job.name = "timed";
  DirectCosts costs;
  costs.f_ns = {500'000};
  costs.i_ns = {500'000};
  costs.w_ns = {500'000};
  job.costs = costs;
  job.layout.pipeline = 4;
  job.micro_batches = micro_batches;
  return make_job(job).value();
}

Plan with_comm_sms(Plan plan, int comm_sms) {
  plan.comm_sms = comm_sms;
  return plan;
}

// --- without a GPU ---

TEST(CudaRun, MemoryOfARankIsKnownBeforeItIsAllocated) {
  const Plan plan = tests::plan_with(tests::training_job(tests::tiny_moe(), 2, 4), "1f1b").value();
  const auto text = TextTokens::create(tests::some_text(), plan.job.batch, plan.job.model->vocabulary).value();
  const TrainingOptions options;
  const LauncherSource launchers = training_launchers(plan, text, options, cuda_library());
  const TaskGraph graph = launch_graph(plan);
  for (int rank = 0; rank < 2; ++rank) {
    EXPECT_GT(launchers.memory_bytes(RankProgram(plan.schedule, graph, rank), {0, rank}).value(), 0);
  }
}

// --- with a GPU ---

class GpuOneGpuRun : public GpuTest {};

TEST_F(GpuOneGpuRun, TheDriverGivesThePlannedPartitions) {
  for (const auto& [ranks, comm] : {std::pair{8, 4}, {8, 8}, {4, 8}, {2, 8}, {1, 20}}) {
    const auto rules = sm_rules_of(0);
    ASSERT_TRUE(rules) << rules.error().message;
    const auto partition = plan_sm_partition(*rules, ranks, comm);
    ASSERT_TRUE(partition) << partition.error().message;
    const auto contexts = SmContexts::create(0, *partition);
    ASSERT_TRUE(contexts) << contexts.error().message;
    for (int rank = 0; rank < ranks; ++rank) {
      EXPECT_EQ((*contexts)->sms(rank, false), partition->compute_sms);
      EXPECT_EQ((*contexts)->sms(rank, true), partition->comm_sms);
    }
  }
}

TEST_F(GpuOneGpuRun, PacedStepsTakeTheirPredictedTimeOnDisjointSms) {
  for (const char* schedule : {"1f1b", "chimera", "dualpipe"}) {
    const Plan plan = with_comm_sms(tests::plan_with(timed_job(8), schedule).value(), 8);
    for (const bool graphs : {false, true}) {
      DeviceRunOptions options;
      options.steps = 5;
      options.paced = true;
      options.graphs = graphs;
      const auto result = run_on_one_gpu({plan, {}, options}, 0);
      ASSERT_TRUE(result) << result.error().message;
      const auto predicted_ns = static_cast<double>(tests::makespan_ns(plan));
      const auto measured_ns = static_cast<double>(std::ranges::min(result->step_ns));
      std::printf("%s, %s: predicted %.3f ms, measured %.3f ms\n", schedule, result->how.c_str(), predicted_ns / 1e6,
                  measured_ns / 1e6);
      EXPECT_NEAR(measured_ns / predicted_ns, 1, 0.05) << schedule;
      EXPECT_THAT(result->census, IsEmpty());
    }
  }
}

// Tasks of a microsecond on one rank, so that launching them is all that takes time.
TEST_F(GpuOneGpuRun, AReplayedGraphTakesAtMost3usATask) {
  Job job = timed_job(256);
  job.costs->f_ns = job.costs->i_ns = job.costs->w_ns = {1};
  job.layout.pipeline = 1;
  const Plan plan = tests::plan_with(job, "1f1b").value();
  DeviceRunOptions options;
  options.steps = 20;
  options.paced = true;
  const auto result = run_on_one_gpu({plan, {}, options}, 0);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_THAT(result->how, HasSubstr("CUDA graph"));
  const double tasks = static_cast<double>(lower(plan).tasks().size());
  const double us_per_task = static_cast<double>(std::ranges::min(result->step_ns)) / 1e3 / tasks;
  std::printf("replayed graph: %.2f us a task\n", us_per_task);
  EXPECT_LE(us_per_task, 3.0);
}

TEST_F(GpuOneGpuRun, TrainsAsTheCpuDoes) {
  for (const char* schedule : {"1f1b", "dualpipe"}) {
    const Plan plan =
        with_comm_sms(tests::plan_with(tests::training_job(tests::tiny_moe(), 4, 8), schedule).value(), 8);
    const auto text = TextTokens::create(tests::some_text(), plan.job.batch, plan.job.model->vocabulary).value();
    TrainingOptions training;
    training.adam.learning_rate = 1e-2;
    const LauncherSource launchers = training_launchers(plan, text, training, cuda_library());
    DeviceRunOptions options;
    options.steps = 10;
    const auto gpu = run_on_one_gpu({plan, launchers, options}, 0);
    ASSERT_TRUE(gpu) << gpu.error().message;
    const TrainingResult cpu = train_sequentially(plan.job, text, options.steps, training).value();
    for (int64_t step = 0; step < options.steps; ++step) {
      std::printf("%s step %d: GPU %.5f, CPU %.5f\n", schedule, static_cast<int>(step), gpu->losses[step],
                  cpu.losses[step]);
      EXPECT_NEAR(gpu->losses[step] / cpu.losses[step], 1, 0.01) << schedule;
    }
  }
}

TEST_F(GpuOneGpuRun, ATraceHasEveryTask) {
  const Plan plan = with_comm_sms(tests::plan_with(timed_job(8), "dualpipe").value(), 8);
  DeviceRunOptions options;
  options.steps = 2;
  options.paced = true;
  options.traced = true;
  const auto result = run_on_one_gpu({plan, {}, options}, 0);
  ASSERT_TRUE(result) << result.error().message;
  std::printf("traced by %s\n", result->traced_by.c_str());
  const TaskGraph graph = lower(plan);
  ASSERT_EQ(result->trace.spans.size(), graph.tasks().size());
  for (const Span& span : result->trace.spans) {
    EXPECT_GE(span.begin_ns, 0);
    EXPECT_LE(span.begin_ns, span.end_ns);
    if (span.lane == Lane::kCompute && span.key.slot >= 0) {
      EXPECT_GT(span.end_ns, span.begin_ns);
    }
  }
}

}  // namespace
}  // namespace pipeloom::backend
