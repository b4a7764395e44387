// Real training of all ranks on one emulated GPU: run_on_one_gpu and all below it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/cuda/run/one_gpu_run.h"
#include "backend/cuda/run/training_launcher.h"
#include "tests/backend/cuda/emulation/runtime/emulated_gpus.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::tests {
namespace {

using emulation::EmulatedGpus;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(EmulatedOneGpu, TrainsAsTheCpuDoes) {
  for (const char* schedule : {"1f1b", "zb-h1", "chimera", "dualpipe"}) {
    const EmulatedGpus gpus({.seed = 3});
    Plan plan = plan_with(training_job(tiny_dense(), 4, 8), schedule).value();
    plan.comm_sms = 8;
    const auto text = TextTokens::create(some_text(), plan.job.batch, plan.job.model->vocabulary).value();
    const TrainingOptions training;
    const LauncherSource launchers = training_launchers(plan, text, training);
    GpuRunOptions options;
    options.steps = 4;
    const auto gpu = run_on_one_gpu({plan, launchers, options}, 0);
    ASSERT_TRUE(gpu) << gpu.error().message;
    const TrainingResult cpu = train_sequentially(plan.job, text, options.steps, training).value();
    for (int64_t step = 0; step < options.steps; ++step)
      EXPECT_NEAR(gpu->losses[step], cpu.losses[step], 1e-3) << schedule << step;
    EXPECT_THAT(gpu->how, HasSubstr("CUDA graph"));
    EXPECT_THAT(gpus.complaints(), IsEmpty());
    EXPECT_THAT(gpus.leaks(), IsEmpty());
  }
}

}  // namespace
}  // namespace pipeloom::tests
