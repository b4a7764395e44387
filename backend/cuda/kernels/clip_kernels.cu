#include <algorithm>

#include "backend/cuda/kernels/device.cuh"
#include "backend/cuda/kernels/reduce.cuh"
#include "backend/device/kernels/clip_kernels.h"
#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

constexpr unsigned kThreads = 256;

__global__ void squares_kernel(const float* numbers, int64_t count, double* partials) {
  double sum = 0;
  for (int64_t i = global_thread(); i < count; i += static_cast<int64_t>(gridDim.x) * blockDim.x) {
    sum += static_cast<double>(numbers[i]) * numbers[i];
  }
  sum = block_reduce<Sum>(sum, 0.0);
  if (threadIdx.x == 0) partials[blockIdx.x] += sum;
}

__global__ void zero_kernel(int64_t count, double* numbers) {
  const int64_t i = global_thread();
  if (i < count) numbers[i] = 0;
}

// One block.
__global__ void total_kernel(SquareSums sums, double* total) {
  double sum = 0;
  for (int i = 0; i < sums.count; ++i) sum += sums.partials[i][threadIdx.x];
  sum = block_reduce<Sum>(sum, 0.0);
  if (threadIdx.x == 0) *total = sum;
}

// As torch.nn.utils.clip_grad_norm_; NaN where some gradient is not finite.
__global__ void clip_kernel(const double* total, double clip_norm, AdamStep* step) {
  const double norm = sqrt(*total);
  step->gradient_scale = norm <= clip_norm ? 1 : isfinite(norm) ? clip_norm / (norm + 1e-6) : nan("");
}

}  // namespace

void add_squares(const SmStream& stream, const float* numbers, int64_t count, double* partials) {
  if (count == 0) return;
  const unsigned blocks = std::min<unsigned>(kSquareBlocks, blocks_for(count, kThreads));
  PIPELOOM_LAUNCH(squares_kernel, ({blocks, kThreads, 0}), stream, numbers, count, partials);
}

void set_zero(const SmStream& stream, int64_t count, double* numbers) {
  if (count == 0) return;
  PIPELOOM_LAUNCH(zero_kernel, ({blocks_for(count, kThreads), kThreads, 0}), stream, count, numbers);
}

void total_squares(const SmStream& stream, const SquareSums& sums, double* total) {
  PIPELOOM_THROW_UNLESS(sums.count <= SquareSums::kMost);
  PIPELOOM_LAUNCH(total_kernel, ({1, kSquareBlocks, 0}), stream, sums, total);
}

void clip(const SmStream& stream, const double* total, double clip_norm, AdamStep* step) {
  PIPELOOM_LAUNCH(clip_kernel, ({1, 1, 0}), stream, total, clip_norm, step);
}

}  // namespace pipeloom::backend
