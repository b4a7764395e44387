#include "backend/cuda/kernels/device.cuh"
#include "backend/device/kernels/shared_sum_kernels.h"
#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

constexpr unsigned kThreads = 256;

__global__ void add_up_kernel(SharedSum sum) {
  const int64_t i = global_thread();
  if (i >= sum.size) return;
  float total = 0;
  for (int copy = 0; copy < sum.count; ++copy) total += sum.copies[copy][sum.begin + i];
  for (int copy = 0; copy < sum.sums_count; ++copy) sum.sums[copy][sum.begin + i] = total;
}

}  // namespace

void add_up(const SmStream& stream, const SharedSum& sum) {
  PIPELOOM_THROW_UNLESS(sum.count <= SharedSum::kMostCopies && sum.sums_count <= SharedSum::kMostCopies);
  if (sum.size == 0) return;
  PIPELOOM_LAUNCH(add_up_kernel, ({blocks_for(sum.size, kThreads), kThreads}), stream, sum);
}

}  // namespace pipeloom::backend
