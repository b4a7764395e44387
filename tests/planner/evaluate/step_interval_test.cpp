#include "planner/evaluate/step_interval.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/models.h"

namespace pipeloom::planner {
namespace {

Job with_errors() {
  Job job = tests::deepseek_v3_job();
  Software& software = job.software.emplace();
  software.rates.dense_errors = {-0.5, 0.5, 0.5};
  software.rates.expert_errors = {-0.1, 0.2, 0.05};
  return job;
}

// A step that is predicted too short by a tenth of its logarithm lies above the prediction.
TEST(StepInterval, IsThatOfModelsWithExperts) {
  const auto interval = step_interval(with_errors(), 1'000'000'000);
  ASSERT_TRUE(interval);
  EXPECT_NEAR(static_cast<double>(interval->low_ns), 1e9 * std::exp(-0.2), 1);
  EXPECT_NEAR(static_cast<double>(interval->high_ns), 1e9 * std::exp(0.1), 1);
  Job dense = with_errors();
  dense.model->moe.reset();
  EXPECT_NEAR(static_cast<double>(step_interval(dense, 1'000'000'000)->high_ns), 1e9 * std::exp(0.5), 1);
}

TEST(StepInterval, IsUnknownWithoutMeasuredErrors) {
  EXPECT_FALSE(step_interval(tests::deepseek_v3_job(), 1'000'000'000));
  Job job = with_errors();
  job.software->rates.expert_errors = {};
  EXPECT_FALSE(step_interval(job, 1'000'000'000));
}

TEST(StepInterval, TellsCloseStepsFromOthers) {
  EXPECT_TRUE(too_close_to_call(with_errors(), 1'000'000, 1'040'000));
  EXPECT_FALSE(too_close_to_call(with_errors(), 1'000'000, 1'060'000));
  EXPECT_FALSE(too_close_to_call(tests::deepseek_v3_job(), 1'000'000, 1'000'001));
}

}  // namespace
}  // namespace pipeloom::planner
