#include "planner/evaluate/memory_interval.h"

#include <gtest/gtest.h>

#include "tests/support/models.h"

namespace pipeloom::planner {
namespace {

constexpr int64_t kGbyte = 1'000'000'000;

Job with_engine(StateEngine engine) {
  Job job = tests::deepseek_v3_job();
  job.memory_limit_bytes = 80 * kGbyte;
  job.software.emplace().engine = engine;
  return job;
}

TEST(MemoryInterval, SurroundsThePrediction) {
  for (const char* counter : {"reserved", "nvidia-smi"}) {
    const auto interval = memory_interval(with_engine(StateEngine::kMegatron), counter, 50 * kGbyte);
    ASSERT_TRUE(interval) << counter;
    EXPECT_LT(interval->low_bytes, 50 * kGbyte);
    EXPECT_GT(interval->high_bytes, 50 * kGbyte);
  }
}

TEST(MemoryInterval, IsUnknownOfTensorsAndWithoutSoftware) {
  EXPECT_FALSE(memory_interval(with_engine(StateEngine::kMegatron), "allocated", kGbyte));
  EXPECT_FALSE(memory_interval(tests::deepseek_v3_job(), "reserved", kGbyte));
  EXPECT_FALSE(peak_interval(tests::deepseek_v3_job(), kGbyte));
  EXPECT_FALSE(may_not_fit(tests::deepseek_v3_job(), 80 * kGbyte));
}

// What lies outside of the allocator is known worse, and counts with DeepSpeed.
TEST(MemoryInterval, IsWiderWithDeepSpeed) {
  const auto megatron = peak_interval(with_engine(StateEngine::kMegatron), 50 * kGbyte);
  const auto deepspeed = peak_interval(with_engine(StateEngine::kDeepSpeed), 50 * kGbyte);
  EXPECT_LT(deepspeed->low_bytes, megatron->low_bytes);
  EXPECT_GT(deepspeed->high_bytes, megatron->high_bytes);
}

TEST(MemoryInterval, SaysWhatMayNotFit) {
  const Job job = with_engine(StateEngine::kMegatron);
  EXPECT_FALSE(may_not_fit(job, 77 * kGbyte));
  EXPECT_TRUE(may_not_fit(job, 79 * kGbyte));
  EXPECT_TRUE(may_not_fit(job, 80 * kGbyte));
  EXPECT_FALSE(may_not_fit(job, 81 * kGbyte));  // it does not fit
}

}  // namespace
}  // namespace pipeloom::planner
