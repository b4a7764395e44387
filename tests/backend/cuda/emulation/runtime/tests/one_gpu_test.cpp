// Real training of all ranks on one emulated GPU: run_on_one_gpu and all below it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "backend/cuda/run/one_gpu_run.h"
#include "backend/device/program/launch_lowering.h"
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

void expect_clean(const emulation::EmulatedGpus& gpus) {
  EXPECT_THAT(gpus.complaints(), IsEmpty());
  EXPECT_THAT(gpus.leaks(), IsEmpty());
}

TEST(EmulatedOneGpu, TrainsAsTheCpuDoes) {
  uint64_t seed = 0;
  for (const auto& [schedule, ranks] : {std::pair("1f1b", 2), {"zb-h1", 2}, {"chimera", 2}, {"dualpipe", 4}}) {
    const emulation::EmulatedGpus gpus({.seed = ++seed});
    const Plan plan = gpu_plan(training_job(tiny_dense(), ranks, 2 * ranks), schedule);
    backend::DeviceRunOptions options;
    options.steps = 3;
    const auto gpu = train_on_one_gpu(plan, options);
    ASSERT_TRUE(gpu) << gpu.error().message;
    const std::vector<double> cpu = losses_on_cpu(plan, options.steps);
    for (int64_t step = 0; step < options.steps; ++step) {
      EXPECT_NEAR(gpu->losses[step], cpu[step], kDenseTolerance) << schedule << ", step " << step;
    }
    EXPECT_THAT(gpu->how, HasSubstr("CUDA graph"));
    EXPECT_EQ(gpu->partition.compute_sms, ranks == 2 ? 56 : 24);
    expect_clean(gpus);
  }
}

Model small_moe() {
  Model model = tiny_moe();
  model.layers = 3;
  return model;
}

// Whatever the order in which a GPU works, with and without a graph, and however hand-overs are copied.
TEST(EmulatedOneGpu, EveryWayToRunAStepHasTheSameBits) {
  const Plan plan = gpu_plan(training_job(small_moe(), 2, 4), "dualpipe");
  std::set<std::vector<double>> losses;
  uint64_t seed = 10;
  for (const CopyMethod copy :
       {CopyMethod::kLoadStore, CopyMethod::kStreaming, CopyMethod::kStreamingReadOnly, CopyMethod::kBulk}) {
    const emulation::EmulatedGpus gpus({.seed = ++seed});
    backend::DeviceRunOptions options;
    options.steps = 3;
    options.copy = copy;
    options.graphs = copy != CopyMethod::kLoadStore;
    const auto result = train_on_one_gpu(plan, options);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->how.find("CUDA graph") != std::string::npos, options.graphs) << result->how;
    losses.insert(result->losses);
    expect_clean(gpus);
  }
  EXPECT_EQ(losses.size(), 1u);
  const std::vector<double> cpu = losses_on_cpu(plan, 3);
  for (int64_t step = 0; step < 3; ++step) EXPECT_NEAR((*losses.begin())[step], cpu[step], kExpertsTolerance);
}

Job recipe_job(int data, int expert) {
  Job job = training_job(tiny_v3(4), 2, 4, data, expert);
  job.ema_decay = 0.9;
  job.clipping = Clipping::kGlobal;
  job.clip_norm = 0.5;
  job.recompute = Recompute::kSelective;
  return job;
}

// A run that is resumed from the checkpoint of another ends as one that was not interrupted: losses and averages.
TEST(EmulatedOneGpu, TheRecipeAndItsCheckpoints) {
  const Plan plan = gpu_plan(recipe_job(1, 1), "1f1b");
  MemoryStore store;
  backend::DeviceRunOptions options;
  options.steps = 4;
  backend::DeviceRunResult whole;
  {
    const emulation::EmulatedGpus gpus({.seed = 20});
    const auto result = train_on_one_gpu(plan, options);
    ASSERT_TRUE(result) << result.error().message;
    whole = *result;
    expect_clean(gpus);
  }
  const std::vector<double> cpu = losses_on_cpu(plan, 3);
  for (int64_t step = 0; step < 3; ++step) EXPECT_NEAR(whole.losses[step], cpu[step], kExpertsTolerance) << step;
  std::vector<double> losses;
  std::vector<double> mtp_losses;
  for (const bool resume : {false, true}) {
    const emulation::EmulatedGpus gpus({.seed = 21});
    options.steps = resume ? 4 : 2;
    options.checkpoints = {&store, 2, resume};
    const auto result = train_on_one_gpu(plan, options);
    ASSERT_TRUE(result) << result.error().message;
    losses.insert(losses.end(), result->losses.begin(), result->losses.end());
    mtp_losses.insert(mtp_losses.end(), result->mtp_losses.begin(), result->mtp_losses.end());
    if (resume) {
      EXPECT_EQ(result->averages_digest, whole.averages_digest);
    }
    expect_clean(gpus);
  }
  EXPECT_EQ(losses, whole.losses);
  EXPECT_EQ(mtp_losses, whole.mtp_losses);
  EXPECT_NE(whole.averages_digest, 0u);
}

// By CUPTI's records, and by events where CUPTI can't be had.
TEST(EmulatedOneGpu, ATraceHasEveryTask) {
  const Plan plan = gpu_plan(training_job(small_moe(), 2, 4), "dualpipe");
  const size_t tasks = backend::launch_graph(plan).tasks().size();
  for (const bool cupti : {false, true}) {
    const emulation::EmulatedGpus gpus({.seed = 30, .cupti = cupti});
    backend::DeviceRunOptions options;
    options.steps = 1;
    options.traced = true;
    const auto result = train_on_one_gpu(plan, options);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_THAT(result->traced_by, HasSubstr(cupti ? "CUPTI" : "events, because CUPTI can't trace kernels"));
    ASSERT_EQ(result->trace.spans.size(), tasks);
    for (const Span& span : result->trace.spans) {
      EXPECT_GE(span.begin_ns, 0);
      EXPECT_LE(span.begin_ns, span.end_ns);
      if (span.lane == Lane::kCompute && span.key.slot >= 0) {
        EXPECT_GT(span.end_ns, span.begin_ns);
      }
    }
    expect_clean(gpus);
  }
}

TEST(EmulatedOneGpu, ComputesAndCommunicatesOnSmsOfItsOwn) {
  std::set<int> sms_of_products;
  std::set<int> sms_of_copies;
  emulation::Settings settings;
  settings.fault = [&](const std::string& name, int, int sms) {
    if (name == "product") sms_of_products.insert(sms);
    if (name.find("load_store_kernel") != std::string::npos) sms_of_copies.insert(sms);
    return emulation::Settings::Fault::kNone;
  };
  const emulation::EmulatedGpus gpus(settings);
  ASSERT_TRUE(train_on_one_gpu(gpu_plan(training_job(tiny_dense(), 2, 4), "1f1b"), {}));
  EXPECT_EQ(sms_of_products, std::set{56});
  EXPECT_EQ(sms_of_copies, std::set{8});
}

TEST(EmulatedOneGpu, AHungKernelEndsTheRunWithTheTask) {
  emulation::Settings settings;
  settings.patience_ms = 50;
  int copies = 0;
  settings.fault = [&](const std::string& name, int, int) {
    const bool hangs = name.find("load_store_kernel") != std::string::npos && ++copies == 5;
    return hangs ? emulation::Settings::Fault::kHangs : emulation::Settings::Fault::kNone;
  };
  const emulation::EmulatedGpus gpus(settings);
  const Plan plan = gpu_plan(training_job(tiny_dense(), 2, 4), "1f1b");
  backend::DeviceRunOptions options;
  options.patience_ns = 1'000'000'000;
  const auto result = train_on_one_gpu(plan, options);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message,
              testing::AllOf(HasSubstr("nothing ended on the GPU for 1.0 s; it is at: "), HasSubstr("send of ")));
  EXPECT_THAT(gpus.complaints(), IsEmpty());  // no call waits for ever for what hangs
}

TEST(EmulatedOneGpu, AFailedKernelEndsTheRun) {
  emulation::Settings settings;
  settings.fault = [](const std::string& name, int, int) {
    return name == "product" ? emulation::Settings::Fault::kFails : emulation::Settings::Fault::kNone;
  };
  const emulation::EmulatedGpus gpus(settings);
  const Plan plan = gpu_plan(training_job(tiny_dense(), 2, 4), "1f1b");
  const auto result = train_on_one_gpu(plan, {});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message,
              AnyOf(HasSubstr("cudaErrorIllegalAddress"), HasSubstr("CUBLAS_STATUS_EXECUTION_FAILED")));
}

// The run ends before what is not a number becomes a checkpoint.
TEST(EmulatedOneGpu, AGradientThatIsNotFiniteEndsARunThatClips) {
  for (const Clipping clipping : {Clipping::kGlobal, Clipping::kValidated}) {
    const emulation::EmulatedGpus gpus({});
    Job job = training_job(tiny_dense(), 2, 4);
    job.clipping = clipping;
    MemoryStore store;
    backend::DeviceRunOptions options;
    options.steps = 3;
    options.checkpoints = {&store, 1, false};
    backend::TrainingOptions training;
    training.adam.learning_rate = 1e30;
    const auto result = train_on_one_gpu(gpu_plan(job, "1f1b"), options, training);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "step 1: a gradient is not finite; the weights are those before the step");
    EXPECT_EQ(store.read(backend::kLastCheckpoint).value(), "1");
  }
}

}  // namespace
}  // namespace pipeloom::tests
