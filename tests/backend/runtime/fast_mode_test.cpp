// Fast mode: oneDNN and float sums. Every schedule adds gradients in its own order, so losses agree to a tolerance
// only.
#include <gtest/gtest.h>

#include "backend/runtime/training/train.h"
#include "core/tasks/lower.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

constexpr int64_t kSteps = 5;
// Sums of some thousand floats differ by some 10^-5 of their size, and Adam makes steps of equal length of small and
// large gradients.
constexpr double kTolerance = 1e-3;

class FastMode : public testing::TestWithParam<const char*> {};

TEST_P(FastMode, LossesAreTheSequentialRunsToTheTolerance) {
  const Plan plan = tests::plan_with(tests::training_job(tests::tiny_moe(), 4, 8, 2, 2), GetParam()).value();
  const TaskGraph graph = lower(plan);
  const TextTokens text = TextTokens::create(tests::some_text(), plan.job.batch, plan.job.model->vocabulary).value();
  RunOptions options;
  options.steps = kSteps;
  const TrainingResult executed = train_on_threads({plan, graph, text, options}).value();
  const TrainingResult sequential = train_sequentially(plan.job, text, kSteps, options.training).value();
  for (int64_t step = 0; step < kSteps; ++step) {
    EXPECT_NEAR(executed.losses[step], sequential.losses[step], kTolerance) << step;
  }
  EXPECT_LT(executed.losses.back(), executed.losses.front());
}

INSTANTIATE_TEST_SUITE_P(, FastMode, testing::Values("1f1b", "zb-v", "dualpipe", "chimera"), [](const auto& tested) {
  std::string name = tested.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return "row_" + name;
});

}  // namespace
}  // namespace pipeloom::backend
