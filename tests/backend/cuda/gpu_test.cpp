#include "tests/backend/cuda/gpu.h"

#include <cuda_runtime_api.h>

namespace pipeloom::backend {
namespace {

TEST(CudaBuild, ASkippedGpuTestSaysWhy) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0) GTEST_SKIP() << "this machine has a device";
  EXPECT_NE(why_no_gpu(), "");
}

using GpuDevice = GpuTest;

TEST_F(GpuDevice, HasMemory) {
  size_t free_bytes = 0;
  size_t total_bytes = 0;
  ASSERT_EQ(cudaMemGetInfo(&free_bytes, &total_bytes), cudaSuccess);
  EXPECT_GT(free_bytes, 0u);
  EXPECT_LE(free_bytes, total_bytes);
}

}  // namespace
}  // namespace pipeloom::backend
