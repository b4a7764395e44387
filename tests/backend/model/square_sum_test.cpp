#include "backend/model/square_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

double norm_of(const std::vector<double>& numbers) {
  SquareSum sum;
  for (const double number : numbers) EXPECT_TRUE(sum.add(static_cast<float>(number)).has_value());
  return sum.norm();
}

TEST(SquareSum, IsTheNorm) {
  EXPECT_EQ(norm_of({3, -4}), 5);
  EXPECT_EQ(norm_of({}), 0);
  EXPECT_NEAR(norm_of({1e-4, 1e-4}), 1.41421356e-4, 1e-10);
}

// Of magnitudes whose float sums would depend on the order.
TEST(SquareSum, HasTheSameBitsInAnyOrderAndFromAnyParts) {
  std::vector<double> numbers = tests::random_numbers(1000, 1);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] *= i % 3 == 0 ? 1e3 : 1e-5;
  const double whole = norm_of(numbers);
  SquareSum first;
  SquareSum second;
  for (size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_TRUE((i % 7 == 0 ? first : second).add(static_cast<float>(numbers[i])).has_value());
  }
  ASSERT_TRUE(second.add(first).has_value());
  EXPECT_EQ(second.norm(), whole);
  std::ranges::reverse(numbers);
  EXPECT_EQ(norm_of(numbers), whole);
}

TEST(SquareSum, RefusesWhatDoesNotFit) {
  for (const float number : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 1e20F}) {
    SquareSum sum;
    EXPECT_FALSE(sum.add(number).has_value()) << number;
  }
  SquareSum sum;
  ASSERT_TRUE(sum.add(1e9F).has_value());
  EXPECT_FALSE(sum.add(1e9F).has_value());
}

TEST(ClipScale, BringsALargeNormDown) {
  EXPECT_EQ(clip_scale(0.5, 1), 1);
  EXPECT_EQ(clip_scale(1, 1), 1);
  EXPECT_NEAR(clip_scale(4, 1), 0.25, 1e-6);
}

}  // namespace
}  // namespace pipeloom::backend
