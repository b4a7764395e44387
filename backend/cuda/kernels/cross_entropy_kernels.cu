#include "backend/cuda/kernels/numbers.cuh"
#include "backend/cuda/kernels/reduce.cuh"
#include "backend/device/kernels/cross_entropy_kernels.h"

namespace pipeloom::backend {

namespace {

constexpr int kThreads = 256;

// One block per token.
__global__ void forward_kernel(LogitsShape shape, const int32_t* targets, float* logits, float* losses) {
  float* row = logits + blockIdx.x * shape.vocabulary;
  float most = -INFINITY;
  for (int64_t j = threadIdx.x; j < shape.vocabulary; j += blockDim.x) most = fmaxf(most, row[j]);
  most = block_reduce<Largest>(most, -INFINITY);
  const float target = row[targets[blockIdx.x]] - most;
  __syncthreads();  // all have read the target's logit before one overwrites it
  float sum = 0;
  for (int64_t j = threadIdx.x; j < shape.vocabulary; j += blockDim.x) {
    row[j] = expf(row[j] - most);
    sum += row[j];
  }
  sum = block_reduce<Sum>(sum, 0.f);
  for (int64_t j = threadIdx.x; j < shape.vocabulary; j += blockDim.x) row[j] /= sum;
  if (threadIdx.x == 0) losses[blockIdx.x] = logf(sum) - target;
}

__global__ void sum_kernel(const float* losses, int64_t rows, double* loss) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < rows; i += blockDim.x) sum += static_cast<double>(losses[i]);
  sum = block_reduce<Sum>(sum, 0.0);
  if (threadIdx.x == 0) *loss = sum;
}

__global__ void backward_kernel(LogitsShape shape, const int32_t* targets, const float* probabilities, float loss_scale,
                                Bf16* logits_gradient) {
  const int64_t i = global_thread();
  if (i >= shape.rows * shape.vocabulary) return;
  const float certain = i % shape.vocabulary == targets[i / shape.vocabulary] ? 1 : 0;
  logits_gradient[i] = to_bf16((probabilities[i] - certain) * loss_scale);
}

}  // namespace

void cross_entropy(const SmStream& stream, const LogitsShape& shape, const int32_t* targets, float* logits,
                   float* losses, double* loss) {
  PIPELOOM_LAUNCH(forward_kernel, ({static_cast<unsigned>(shape.rows), row_threads(shape.vocabulary, 1024), 0}), stream,
                  shape, targets, logits, losses);
  PIPELOOM_LAUNCH(sum_kernel, ({1, kThreads, 0}), stream, losses, shape.rows, loss);
}

void cross_entropy_backward(const SmStream& stream, const LogitsShape& shape, const int32_t* targets,
                            const float* probabilities, float loss_scale, Bf16* logits_gradient) {
  PIPELOOM_LAUNCH(backward_kernel, ({blocks_for(shape.rows * shape.vocabulary, kThreads), kThreads, 0}), stream, shape,
                  targets, probabilities, loss_scale, logits_gradient);
}

}  // namespace pipeloom::backend
