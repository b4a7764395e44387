#include "backend/model/bf16_products.h"

#include <bit>

namespace pipeloom::backend {

namespace {

// As rounded(_, kBf16Format) does, but that too large numbers become infinite; simple enough for vectors.
float to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return std::bit_cast<float>((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000);
}

Matrix<float> to_bf16(View<const float> values) {
  Matrix<float> result(values.rows, values.columns);
  for (int64_t i = 0; i < values.rows; ++i) {
    const float* in = values.row(i);
    float* out = result.row(i);
    for (int64_t j = 0; j < values.columns; ++j) out[j] = to_bf16(in[j]);
  }
  return result;
}

}  // namespace

void Bf16Products::multiply(Form form, View<const float> a, View<const float> b, View<float> c, Into into) const {
  exact_.multiply(form, to_bf16(a).view(), to_bf16(b).view(), c, into);
}

}  // namespace pipeloom::backend
