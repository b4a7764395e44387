// Checkpoints of GPUs are CPUs': a run goes on on the other device.
#include "backend/runtime/training/checkpoint.h"

#include <gtest/gtest.h>

#include "backend/runtime/training/train.h"
#include "core/tasks/lower.h"
#include "tests/backend/cuda/device.h"
#include "tests/backend/device/model/gpu_run.h"
#include "tests/backend/memory_store.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(Checkpoints);

constexpr int64_t kDone = 2;
constexpr int64_t kSteps = 4;
constexpr double kTolerance = 4e-3;  // of losses, as of whole runs with experts

struct Run {
  Run(const char* schedule, int data, int expert, Format moments)
      : plan(plan_with(job_of(data, expert, moments), schedule).value()),
        text(backend::TextTokens::create(some_text(), plan.job.batch, plan.job.model->vocabulary, 1, 2).value()) {}

  static Job job_of(int data, int expert, Format moments) {
    Job job = training_job(tiny_v3(4), 2, 4, data, expert);
    job.ema_decay = 0.75;
    job.formats.moments = moments;
    return job;
  }

  std::vector<double> on_cpus(MemoryStore& store, int64_t steps, int64_t every, bool resume) const {
    const TaskGraph graph = lower(plan);
    backend::RunOptions options;
    options.steps = steps;
    options.checkpoints = {&store, every, resume};
    return backend::train_on_threads({plan, graph, text, options}).value().losses;
  }

  Plan plan;
  backend::TextTokens text;
};

void expect_near(const std::vector<double>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], kTolerance) << "step " << i;
}

void expect_to_go_on(const Run& run) {
  MemoryStore none;
  const std::vector<double> whole = run.on_cpus(none, kSteps, 0, false);
  const std::vector<double> rest(whole.begin() + kDone, whole.end());
  // From the device to CPUs.
  MemoryStore from_device;
  from_device.contents = checkpoints_on_device(run.plan, run.text, kDone, {});
  const tests::Checkpoints written = from_device.contents;
  expect_near(run.on_cpus(from_device, kSteps, 0, true), rest);
  // And the other way; what was read is written again bit for bit.
  MemoryStore from_cpus;
  run.on_cpus(from_cpus, kDone, kDone, false);
  tests::Checkpoints again;
  expect_near(resume_on_device(run.plan, run.text, from_cpus.contents, kDone, kSteps, {}, again).losses, rest);
  EXPECT_EQ(again, from_cpus.contents);
  resume_on_device(run.plan, run.text, written, kDone, kDone, {}, again);
  EXPECT_EQ(again, written);
}

DEVICE_TEST(Checkpoints, OfOnePipelineGoOnOnTheOtherDevice) {
  expect_to_go_on({"1f1b", 1, 1, Format::kFp32});
}

// Copies of stages in both directions and in both replicas, whose optimizers have parts of their own on CPUs.
DEVICE_TEST(Checkpoints, OfCopiesGoOnOnTheOtherDevice) {
  expect_to_go_on({"dualpipe", 2, 2, Format::kBf16});
}

}  // namespace
}  // namespace pipeloom::tests
