#include "backend/cuda/tune/range_counters.h"

#include <gmock/gmock.h>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/run/gpu_facts.h"
#include "backend/cuda/tune/cupti_status.h"
#include "backend/cuda/tune/gpu_timer.h"
#include "backend/cuda/tune/l2_metrics.h"
#include "backend/device/comm/copy.h"
#include "tests/backend/cuda/gpu.h"

namespace pipeloom::tests {
namespace {

using testing::HasSubstr;

TEST(RangeCounters, SayThatThereIsNoDriver) {
  if (backend::why_no_gpu_here().empty()) GTEST_SKIP() << "this machine has a GPU";
  const auto counters = backend::RangeCounters::create(backend::l2_metrics());
  ASSERT_FALSE(counters.has_value());
  EXPECT_THAT(counters.error().message,
              testing::AnyOf(HasSubstr("no CUDA driver"), HasSubstr("CUPTI has no range profiler")));
}

TEST(RangeCounters, SayWhatGivesTheRightToReadThem) {
  EXPECT_TRUE(backend::cupti_status(CUPTI_SUCCESS, "counters").has_value());
  EXPECT_THAT(backend::cupti_status(CUPTI_ERROR_INSUFFICIENT_PRIVILEGES, "to enable counters").error().message,
              testing::AllOf(HasSubstr("to enable counters: the GPU's counters need rights (ERR_NVGPUCTRPERM"),
                             HasSubstr("NVreg_RestrictProfilingToAdminUsers=0")));
  EXPECT_THAT(backend::cupti_status(CUPTI_ERROR_INVALID_PARAMETER, "to start a pass").error().message,
              HasSubstr("to start a pass: CUPTI says CUPTI_ERROR_INVALID_PARAMETER (1)"));
}

class GpuRangeCounters : public backend::GpuTest {};

// A copy reads each of its sectors once, and so does a second one: L2 is too small for what both copied.
TEST_F(GpuRangeCounters, ACopyReadsItsSectors) {
  constexpr int64_t kBytes = int64_t{256} << 20;
  const backend::GpuMemory from(kBytes);
  const backend::GpuMemory to(kBytes);
  backend::GpuTimer timer;
  const auto counters = backend::RangeCounters::create(backend::l2_metrics());
  if (!counters) GTEST_SKIP() << counters.error().message;
  for (int time = 0; time < 2; ++time) {
    const auto values = (*counters)->count([&] {
      backend::copy_message({timer.stream(), 20}, from.as<char>(), to.as<char>(), kBytes, {CopyMethod::kStreaming, 20});
    });
    ASSERT_TRUE(values.has_value()) << values.error().message;
    const backend::MeasuredL2 l2 = backend::l2_of(*values);
    EXPECT_NEAR(l2.read_sectors, kBytes / 32.0, 0.05 * kBytes / 32.0);
    EXPECT_NEAR(l2.written_sectors, kBytes / 32.0, 0.05 * kBytes / 32.0);
    EXPECT_NEAR(l2.dram_read_bytes, static_cast<double>(kBytes), 0.3 * kBytes);
    EXPECT_GE(l2.hit_percent, 0);
    EXPECT_LE(l2.hit_percent, 100);
  }
}

}  // namespace
}  // namespace pipeloom::tests
