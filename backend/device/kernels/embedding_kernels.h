#pragma once

#include <cstdint>

#include "backend/device/kernels/numbers.h"
#include "backend/device/kernels/stream.h"

namespace pipeloom::backend {

// Rows of a table, one per token, plus a row of a position table where that is not null; backend/model/embedding.h has
// the maths and is the reference.
struct EmbeddingShape {
  int64_t tokens = 0;
  int64_t hidden = 0;
  int64_t sequence = 1;
};

void embed(const SmStream& stream, const EmbeddingShape& shape, const int32_t* tokens, const float* table,
           const float* positions, Bf16* rows);
// Adds to the gradients of the tables. The order of what falls on one row is the machine's, and so are the last bits.
void embed_backward(const SmStream& stream, const EmbeddingShape& shape, const int32_t* tokens,
                    const Bf16* rows_gradient, float* table_gradient, float* positions_gradient);

}  // namespace pipeloom::backend
