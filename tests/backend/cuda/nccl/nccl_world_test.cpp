#include "backend/cuda/nccl/nccl_world.h"

#include <gtest/gtest.h>

#include "backend/cuda/cuda_check.h"
#include "backend/transport/threads.h"
#include "tests/backend/cuda/gpu.h"

namespace pipeloom::backend {
namespace {

class GpuNcclWorld : public GpuTest {};

// All that one GPU can try of NCCL: init, a sum and a message to oneself.
TEST_F(GpuNcclWorld, OfOneAddsUpAndSendsToItself) {
  const auto endpoints = connect_threads(1);
  const CommunicatorPlan plan;
  NcclOptions options;
  options.max_ctas = 2;
  options.small_partition = true;
  auto connected = NcclWorld::connect(*endpoints[0], plan, options);
  ASSERT_TRUE(connected) << connected.error().message;
  NcclWorld& world = **connected;

  cudaStream_t stream = nullptr;
  PIPELOOM_CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  float* numbers = nullptr;
  const float content[] = {1.5F, 0.0F};
  PIPELOOM_CUDA_CHECK(cudaMalloc(reinterpret_cast<void**>(&numbers), sizeof content));
  PIPELOOM_CUDA_CHECK(cudaMemcpy(numbers, content, sizeof content, cudaMemcpyHostToDevice));
  PIPELOOM_NCCL_CHECK(ncclAllReduce(numbers, numbers, 1, ncclFloat, ncclSum, world.world(), stream));
  ASSERT_TRUE(world.wait_until_enqueued(world.world(), "a sum"));
  PIPELOOM_NCCL_CHECK(ncclGroupStart());
  PIPELOOM_NCCL_CHECK(ncclSend(numbers, 1, ncclFloat, 0, world.world(), stream));
  PIPELOOM_NCCL_CHECK(ncclRecv(numbers + 1, 1, ncclFloat, 0, world.world(), stream));
  PIPELOOM_NCCL_CHECK(ncclGroupEnd());
  ASSERT_TRUE(world.wait_until_enqueued(world.world(), "a message"));
  PIPELOOM_CUDA_CHECK(cudaStreamSynchronize(stream));
  float received[2] = {};
  PIPELOOM_CUDA_CHECK(cudaMemcpy(received, numbers, sizeof received, cudaMemcpyDeviceToHost));
  EXPECT_EQ(received[0], 1.5F);
  EXPECT_EQ(received[1], 1.5F);
  EXPECT_TRUE(world.poll());
  EXPECT_TRUE(world.finish());
  cudaFree(numbers);
  cudaStreamDestroy(stream);
}

}  // namespace
}  // namespace pipeloom::backend
