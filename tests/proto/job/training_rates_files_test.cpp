#include "proto/job/training_rates_files.h"

#include <gtest/gtest.h>

#include "proto/job/gpu_files.h"

namespace pipeloom::proto {
namespace {

TEST(TrainingRatesFiles, KnowEveryGpu) {
  for (const Gpu& gpu : known_gpus()) {
    const auto rates = find_training_rates(gpu.name);
    ASSERT_TRUE(rates.has_value()) << rates.error().message;
    EXPECT_TRUE(check_training_rates(*rates).has_value()) << gpu.name;
    EXPECT_EQ(gpu.fp8_flops > 0, rates->fp8_efficiency > 0) << gpu.name;
  }
}

TEST(TrainingRatesFiles, NameTheKnownOnes) {
  const auto rates = find_training_rates("abacus");
  ASSERT_FALSE(rates.has_value());
  EXPECT_TRUE(
      rates.error().message.starts_with("software.rates of \"abacus\" are unknown; known are those of A100-40GB"))
      << rates.error().message;
}

}  // namespace
}  // namespace pipeloom::proto
