// Every rank on a thread and an emulated GPU of its own, NCCL between them: run_gpu_rank and all below it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "backend/cuda/nccl/nccl_run.h"
#include "backend/device/program/launch_lowering.h"
#include "core/tasks/lower.h"
#include "tests/backend/cuda/emulation/runtime/emulated_gpus.h"
#include "tests/backend/cuda/emulation/runtime/tests/runs.h"
#include "tests/backend/memory_store.h"
#include "tests/backend/support.h"

namespace pipeloom::tests {
namespace {

using emulation::EmulatedGpus;
using emulation::Settings;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;

backend::DeviceRunResult expect_the_cpus_losses(const Job& job, const char* schedule, uint64_t seed,
                                                backend::DeviceRunOptions options = {}) {
  const emulation::EmulatedGpus gpus({.seed = seed});
  const Plan plan = gpu_plan(job, schedule);
  options.steps = 3;
  const auto gpu = train_on_gpus(plan, options);
  EXPECT_TRUE(gpu) << schedule << ": " << gpu.error().message;
  if (!gpu) return {};
  const std::vector<double> cpu = losses_on_cpu(plan, options.steps);
  const double tolerance = job.model->moe ? kExpertsTolerance : kDenseTolerance;
  for (int64_t step = 0; step < options.steps; ++step) {
    EXPECT_NEAR(gpu->losses[step], cpu[step], tolerance) << schedule << ", step " << step;
  }
  EXPECT_THAT(gpus.complaints(), IsEmpty());
  EXPECT_THAT(gpus.leaks(), IsEmpty());
  return *gpu;
}

TEST(EmulatedGpuRanks, TrainAsTheCpuDoes) {
  expect_the_cpus_losses(training_job(tiny_dense(), 2, 4), "1f1b", 1);
  expect_the_cpus_losses(training_job(tiny_dense(), 4, 8), "dualpipe", 2);
}

TEST(EmulatedGpuRanks, WithReplicas) {
  expect_the_cpus_losses(training_job(tiny_dense(), 2, 4, 2), "1f1b", 3);
}

TEST(EmulatedGpuRanks, WithExpertsOfSeveralRanks) {
  expect_the_cpus_losses(training_job(tiny_moe(), 2, 4, 2, 2), "1f1b", 4);
}

// Sends and receives of a batch are one NCCL group over several communicators.
TEST(EmulatedGpuRanks, WithBlockingMessages) {
  Job job = training_job(tiny_dense(), 4, 8);
  job.p2p.mode = P2pMode::kBlocking;
  expect_the_cpus_losses(job, "1f1b", 5);
  expect_the_cpus_losses(job, "dualpipe", 6);
}

// Weights follow the gradients' size here, so that the norm counts.
TEST(EmulatedGpuRanks, HaveTheBitsOfOneGpu) {
  backend::TrainingOptions training;
  training.adam.epsilon = 1;
  training.adam.learning_rate = 0.1;
  backend::DeviceRunOptions options;
  options.steps = 3;
  for (const char* schedule : {"1f1b", "dualpipe"}) {
    Job job = training_job(tiny_dense(), 2, 4);
    job.clipping = Clipping::kGlobal;
    job.clip_norm = 0.5;
    const Plan plan = gpu_plan(job, schedule);
    const emulation::EmulatedGpus gpus({.seed = 9});
    const auto each = train_on_gpus(plan, options, training);
    const auto one = train_on_one_gpu(plan, options, training);
    ASSERT_TRUE(each && one);
    EXPECT_EQ(each->losses, one->losses) << schedule;
  }
}

Job recipe_job() {
  Job job = training_job(tiny_v3(4), 2, 4, 2, 2);
  job.ema_decay = 0.9;
  job.clipping = Clipping::kGlobal;
  job.clip_norm = 0.5;
  return job;
}

TEST(EmulatedGpuRanks, TheRecipeATraceAndCheckpoints) {
  MemoryStore store;
  backend::DeviceRunOptions options;
  options.traced = true;
  options.checkpoints = {&store, 2, false};
  const backend::DeviceRunResult whole = expect_the_cpus_losses(recipe_job(), "1f1b", 7, options);
  ASSERT_EQ(whole.losses.size(), 3u);
  const Plan plan = gpu_plan(recipe_job(), "1f1b");
  EXPECT_EQ(whole.trace.spans.size(), 2 * lower(plan).tasks().size());
  EXPECT_THAT(whole.traced_by, HasSubstr("threads of their own"));
  const emulation::EmulatedGpus gpus({.seed = 8});
  options.traced = false;
  options.steps = 3;
  options.checkpoints.resume = true;
  const auto resumed = train_on_gpus(plan, options);
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_EQ(resumed->losses, std::vector<double>(whole.losses.end() - 1, whole.losses.end()));
  EXPECT_NE(whole.averages_digest, 0u);
}

// Whether the norm is known before the optimizer or after it, each copy gets the parts that the others optimized.
TEST(EmulatedGpuRanks, WithValidatedClipping) {
  for (const auto& [schedule, ranks, data] : {std::tuple("1f1b", 2, 2), {"dualpipe", 4, 1}}) {
    Job job = training_job(tiny_dense(), ranks, 2 * ranks, data);
    job.clipping = Clipping::kGlobal;
    job.clip_norm = 0.1;
    const backend::DeviceRunResult global = expect_the_cpus_losses(job, schedule, 11);
    job.clipping = Clipping::kValidated;
    EXPECT_EQ(expect_the_cpus_losses(job, schedule, 12).losses, global.losses) << schedule;
    EXPECT_NE(losses_on_cpu(gpu_plan(training_job(tiny_dense(), ranks, 2 * ranks, data), schedule), 3),
              losses_on_cpu(gpu_plan(job, schedule), 3));
  }
}

std::string error_of(const emulation::Settings& settings, int64_t patience_ns) {
  const emulation::EmulatedGpus gpus(settings);
  backend::DeviceRunOptions options;
  options.patience_ns = patience_ns;
  std::string message;
  try {
    const auto result = train_on_gpus(gpu_plan(training_job(tiny_dense(), 2, 4), "1f1b"), options);
    if (!result) message = result.error().message;
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  EXPECT_THAT(gpus.complaints(), IsEmpty());  // no call waits for ever for what hangs
  return message;
}

emulation::Settings with_fault(int number, int on_device, emulation::Settings::Fault fault) {
  emulation::Settings settings;
  settings.patience_ms = 200;
  const auto count = std::make_shared<int>(0);
  settings.fault = [=](const std::string& name, int device, int /*sms*/) {
    return name == "NCCL" && device == on_device && ++*count == number ? fault : emulation::Settings::Fault::kNone;
  };
  return settings;
}

TEST(EmulatedGpuRanks, AMessageThatHangsEndsAllWithTheTask) {
  const std::string error = error_of(with_fault(5, 1, emulation::Settings::Fault::kHangs), 1'000'000'000);
  EXPECT_THAT(error, HasSubstr("nothing ended on the GPU for 1.0 s; it is at: "));
  EXPECT_THAT(error, AnyOf(HasSubstr("receive of "), HasSubstr("send of ")));
}

TEST(EmulatedGpuRanks, ARankWhoseGpuFailsEndsAll) {
  const std::string error = error_of(with_fault(5, 1, emulation::Settings::Fault::kFails), 30'000'000'000);
  EXPECT_THAT(error, HasSubstr("rank 1 failed: rank 1: "));
  EXPECT_THAT(error, AnyOf(HasSubstr("cudaErrorIllegalAddress"), HasSubstr("CUBLAS_STATUS_EXECUTION_FAILED")));
}

}  // namespace
}  // namespace pipeloom::tests
