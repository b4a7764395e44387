#pragma once

#include <cstdint>

#include "backend/device/kernels/numbers.h"
#include "backend/device/kernels/stream.h"

namespace pipeloom::backend {

// A block of columns of every head in rows of numbers: number j of head h of row i is at
// data[i * row_stride + h * head_stride + j]. With head_stride 0 all heads share the same columns.
template <typename Number>
struct HeadColumns {
  Number* data = nullptr;
  int64_t row_stride = 0;
  int64_t head_stride = 0;
};
struct HeadShape {
  int64_t rows = 0;
  int64_t heads = 0;
  int64_t columns = 0;

  int64_t size() const { return rows * heads * columns; }
};

// Moves numbers as they are, or rounded to BF16.
void move_columns(const SmStream& stream, const HeadShape& shape, HeadColumns<const float> from, HeadColumns<Bf16> to);
void move_columns(const SmStream& stream, const HeadShape& shape, HeadColumns<const Bf16> from, HeadColumns<float> to);
void move_columns(const SmStream& stream, const HeadShape& shape, HeadColumns<const Bf16> from, HeadColumns<Bf16> to);
// `to` [row][column]: the sum over the heads, in their order.
void sum_heads(const SmStream& stream, const HeadShape& shape, HeadColumns<const float> from, HeadColumns<float> to);

// Dense numbers: copied; set to 0; added to others, the sum rounded where those are BF16; rounded.
void copy_numbers(const SmStream& stream, const Bf16* from, int64_t count, Bf16* to);
void set_zero(const SmStream& stream, int64_t count, float* numbers);
void add_numbers(const SmStream& stream, const float* from, int64_t count, float* to);
void add_numbers(const SmStream& stream, const float* from, int64_t count, Bf16* to);
void round_to_bf16(const SmStream& stream, const float* from, int64_t count, Bf16* to);

}  // namespace pipeloom::backend
