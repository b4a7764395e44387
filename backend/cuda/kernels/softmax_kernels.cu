#include "backend/cuda/kernels/numbers.cuh"
#include "backend/cuda/kernels/reduce.cuh"
#include "backend/device/kernels/softmax_kernels.h"

namespace pipeloom::backend {

namespace {

// One block per row of scores; block x is the query's place, block y the head.
__global__ void softmax_kernel(ScoresShape shape, float* scores, Bf16* probabilities) {
  const int64_t i = blockIdx.x;
  const int64_t begin = (blockIdx.y * shape.sequence + i) * shape.sequence;
  float* row = scores + begin;
  float most = -INFINITY;
  for (int64_t j = threadIdx.x; j <= i; j += blockDim.x) most = fmaxf(most, row[j]);
  most = block_reduce<Largest>(most, -INFINITY);
  float sum = 0;
  for (int64_t j = threadIdx.x; j <= i; j += blockDim.x) {
    row[j] = expf((row[j] - most) * shape.scale);
    sum += row[j];
  }
  sum = block_reduce<Sum>(sum, 0.f);
  for (int64_t j = threadIdx.x; j < shape.sequence; j += blockDim.x) {
    row[j] = j <= i ? row[j] / sum : 0;
    probabilities[begin + j] = to_bf16(row[j]);
  }
}

__global__ void backward_kernel(ScoresShape shape, const float* probabilities, const float* gradient,
                                Bf16* scores_gradient) {
  const int64_t i = blockIdx.x;
  const int64_t begin = (blockIdx.y * shape.sequence + i) * shape.sequence;
  float sum = 0;
  for (int64_t j = threadIdx.x; j <= i; j += blockDim.x) sum += probabilities[begin + j] * gradient[begin + j];
  sum = block_reduce<Sum>(sum, 0.f);
  for (int64_t j = threadIdx.x; j < shape.sequence; j += blockDim.x) {
    const float value = j <= i ? probabilities[begin + j] * (gradient[begin + j] - sum) * shape.scale : 0;
    scores_gradient[begin + j] = to_bf16(value);
  }
}

}  // namespace

void causal_softmax(const SmStream& stream, const ScoresShape& shape, float* scores, Bf16* probabilities) {
  const dim3 rows(static_cast<unsigned>(shape.sequence), static_cast<unsigned>(shape.heads));
  PIPELOOM_LAUNCH(softmax_kernel, ({rows, row_threads(shape.sequence), 0}), stream, shape, scores, probabilities);
}

void causal_softmax_backward(const SmStream& stream, const ScoresShape& shape, const float* probabilities,
                             const float* gradient, Bf16* scores_gradient) {
  const dim3 rows(static_cast<unsigned>(shape.sequence), static_cast<unsigned>(shape.heads));
  PIPELOOM_LAUNCH(backward_kernel, ({rows, row_threads(shape.sequence), 0}), stream, shape, probabilities, gradient,
                  scores_gradient);
}

}  // namespace pipeloom::backend
