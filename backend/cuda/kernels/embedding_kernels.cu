#include "backend/cuda/kernels/numbers.cuh"
#include "backend/device/kernels/embedding_kernels.h"

namespace pipeloom::backend {

namespace {

// One block per token.
__global__ void forward_kernel(EmbeddingShape shape, const int32_t* tokens, const float* table, const float* positions,
                               Bf16* rows) {
  const int64_t token = blockIdx.x;
  const float* word = table + tokens[token] * shape.hidden;
  for (int64_t j = threadIdx.x; j < shape.hidden; j += blockDim.x) {
    const float place = positions == nullptr ? 0 : positions[token % shape.sequence * shape.hidden + j];
    rows[token * shape.hidden + j] = to_bf16(word[j] + place);
  }
}

__global__ void backward_kernel(EmbeddingShape shape, const int32_t* tokens, const Bf16* rows_gradient,
                                float* table_gradient, float* positions_gradient) {
  const int64_t token = blockIdx.x;
  for (int64_t j = threadIdx.x; j < shape.hidden; j += blockDim.x) {
    const float gradient = to_float(rows_gradient[token * shape.hidden + j]);
    atomicAdd(table_gradient + tokens[token] * shape.hidden + j, gradient);
    if (positions_gradient != nullptr) {
      atomicAdd(positions_gradient + token % shape.sequence * shape.hidden + j, gradient);
    }
  }
}

}  // namespace

void embed(const SmStream& stream, const EmbeddingShape& shape, const int32_t* tokens, const float* table,
           const float* positions, Bf16* rows) {
  PIPELOOM_LAUNCH(forward_kernel, ({static_cast<unsigned>(shape.tokens), row_threads(shape.hidden), 0}), stream, shape,
                  tokens, table, positions, rows);
}

void embed_backward(const SmStream& stream, const EmbeddingShape& shape, const int32_t* tokens,
                    const Bf16* rows_gradient, float* table_gradient, float* positions_gradient) {
  PIPELOOM_LAUNCH(backward_kernel, ({static_cast<unsigned>(shape.tokens), row_threads(shape.hidden), 0}), stream, shape,
                  tokens, rows_gradient, table_gradient, positions_gradient);
}

}  // namespace pipeloom::backend
