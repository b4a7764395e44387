// CUPTI's host side knows the chips without one at hand.
#include "backend/cuda/tune/counter_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/cuda/tune/l2_metrics.h"

#ifdef PIPELOOM_WITH_CUPTI_RANGES

namespace pipeloom::tests {
namespace {

using testing::HasSubstr;

TEST(CounterMetrics, HoppersL2NeedsTwoPasses) {
  const auto metrics = backend::CounterMetrics::create("GH100", backend::l2_metrics(), {});
  ASSERT_TRUE(metrics.has_value()) << metrics.error().message;
  EXPECT_EQ((*metrics)->passes(), 2u);
  EXPECT_FALSE((*metrics)->config().empty());
}

TEST(CounterMetrics, NamesTheMetricsThatAChipLacks) {
  const auto metrics = backend::CounterMetrics::create("GH100", {"lts__t_sector_hit_rates.pct"}, {});
  ASSERT_FALSE(metrics.has_value());
  EXPECT_THAT(metrics.error().message, HasSubstr("metrics lts__t_sector_hit_rates.pct: CUPTI says "));
}

TEST(CounterMetrics, NamesAChipThatCuptiDoesNotKnow) {
  const auto metrics = backend::CounterMetrics::create("GH1000", backend::l2_metrics(), {});
  ASSERT_FALSE(metrics.has_value());
  EXPECT_THAT(metrics.error().message, HasSubstr("counters of the chip GH1000: CUPTI says "));
}

TEST(CounterMetrics, CountersThatHoldNothingHaveNoValues) {
  const auto metrics = backend::CounterMetrics::create("GH100", backend::l2_metrics(), {}).value();
  EXPECT_FALSE(metrics->values(std::vector<uint8_t>(64)).has_value());
}

}  // namespace
}  // namespace pipeloom::tests

#endif
