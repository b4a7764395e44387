#include "planner/validate/error_summary.h"

#include <gtest/gtest.h>

namespace pipeloom::planner {
namespace {

TEST(ErrorSummary, MatchesFormulas) {
  const ErrorSummary summary = summary_of({0.1, -0.3, 0.2, -0.4});
  EXPECT_EQ(summary.rows, 4u);
  EXPECT_DOUBLE_EQ(summary.median, 0.25);
  EXPECT_DOUBLE_EQ(summary.mean, 0.25);
  EXPECT_DOUBLE_EQ(summary.p90, 0.4);
  EXPECT_NEAR(summary.bias, -0.1, 1e-12);
}

TEST(ErrorSummary, TakesNineOfTenRows) {
  EXPECT_DOUBLE_EQ(summary_of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}).p90, 9);
  EXPECT_DOUBLE_EQ(summary_of({1, 2, 3}).median, 2);
}

TEST(ErrorSummary, GivesAnyQuantileOfAbsoluteErrors) {
  const std::vector<double> errors = {0.1, -0.3, 0.2, -0.4};
  EXPECT_DOUBLE_EQ(absolute_quantile(errors, 0.5), 0.2);
  EXPECT_DOUBLE_EQ(absolute_quantile(errors, 0.51), 0.3);
  EXPECT_DOUBLE_EQ(absolute_quantile(errors, 0.95), 0.4);
  EXPECT_DOUBLE_EQ(absolute_quantile(errors, 0), 0.1);
}

TEST(ErrorSummary, OfNothingIsZero) {
  EXPECT_EQ(absolute_quantile({}, 0.5), 0);
  EXPECT_EQ(summary_of({}), ErrorSummary());
}

}  // namespace
}  // namespace pipeloom::planner
