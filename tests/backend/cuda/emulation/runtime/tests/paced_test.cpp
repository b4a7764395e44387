// Paced steps on an emulated GPU, by its clock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "backend/cuda/run/one_gpu_run.h"
#include "backend/device/program/launch_lowering.h"
#include "tests/backend/cuda/emulation/runtime/emulated_gpus.h"
#include "tests/backend/cuda/emulation/runtime/tests/runs.h"
#include "tests/backend/cuda/makespan.h"

namespace pipeloom::tests {
namespace {

using emulation::EmulatedGpus;
using testing::IsEmpty;
using testing::SizeIs;

// Tasks of half a millisecond.
Job timed_job() {
  Job job;
  job.name = "timed";
  DirectCosts costs;
  costs.f_ns = costs.i_ns = costs.w_ns = {500'000};
  job.costs = costs;
  job.layout.pipeline = 4;
  job.micro_batches = 8;
  return make_job(job).value();
}

Result<backend::DeviceRunResult> pace(const Plan& plan, bool graphs) {
  backend::DeviceRunOptions options;
  options.steps = 3;
  options.paced = true;
  options.graphs = graphs;
  return backend::run_on_one_gpu({plan, {}, options}, 0);
}

// Kernels look at the clock once more when their time is over: 0.1 us a task.
TEST(EmulatedPacedRun, StepsTakeTheirPredictedTimeOnDisjointSms) {
  for (const char* schedule : {"1f1b", "chimera", "dualpipe"}) {
    const Plan plan = gpu_plan(timed_job(), schedule);
    for (const bool graphs : {false, true}) {
      const emulation::EmulatedGpus gpus({.any_order = false});
      const auto result = pace(plan, graphs);
      ASSERT_TRUE(result) << result.error().message;
      for (const int64_t step_ns : result->step_ns) {
        EXPECT_NEAR(static_cast<double>(step_ns) / static_cast<double>(makespan_ns(plan)), 1, 0.001) << schedule;
      }
      EXPECT_THAT(result->census, IsEmpty());
      EXPECT_THAT(gpus.complaints(), IsEmpty());
      EXPECT_THAT(gpus.leaks(), IsEmpty());
    }
  }
}

TEST(EmulatedPacedRun, TheCensusSeesADriverThatSharesSms) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const emulation::EmulatedGpus gpus({.seed = seed, .shared_sms = 3});
    const auto result = pace(gpu_plan(timed_job(), "1f1b"), false);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_THAT(result->census, SizeIs(6));
    EXPECT_THAT(gpus.complaints(), IsEmpty());
  }
}

}  // namespace
}  // namespace pipeloom::tests
