// `pipeloom-run tune`'s measurements on an emulated GPU whose kernels only take time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/cuda/tune/measure_gpu.h"
#include "tests/backend/cuda/emulation/runtime/emulated_gpus.h"

namespace pipeloom::tests {
namespace {

TEST(EmulatedTune, MeasuresEverything) {
  const emulation::EmulatedGpus gpus({.moves_data = false});
  std::vector<std::string> parts;
  const backend::TuneMeasurements measured =
      backend::measure_gpu(0, [&](const std::string& part) { parts.push_back(part); }).value();
  EXPECT_EQ(parts.size(), 3u);
  EXPECT_EQ(measured.copies.size(), 4u * 4 * 9 * 3);
  for (const backend::MeasuredCopy& copy : measured.copies)
    EXPECT_GT(copy.bytes_per_s, 0) << copy_method_name(copy.method);
  EXPECT_EQ(measured.dispatches.size(), 6u * 6);
  EXPECT_EQ(measured.combines.size(), measured.dispatches.size());
  for (const backend::MeasuredContention& contention : {measured.product, measured.memory_bound}) {
    // Nothing contends here.
    EXPECT_GT(contention.alone_s, 0);
    EXPECT_DOUBLE_EQ(contention.beside_dispatch_s, contention.alone_s);
    EXPECT_DOUBLE_EQ(contention.beside_combine_s, contention.alone_s);
  }
  EXPECT_THAT(gpus.complaints(), testing::IsEmpty());
  EXPECT_THAT(gpus.leaks(), testing::IsEmpty());
}

}  // namespace
}  // namespace pipeloom::tests
