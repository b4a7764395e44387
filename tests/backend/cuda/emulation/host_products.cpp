#include "tests/backend/cuda/emulation/host_products.h"

#include <bit>
#include <vector>

#include "backend/device/kernels/fp8_kernels.h"
#include "backend/model/low_precision.h"

namespace pipeloom::tests {

namespace {

double number_at(backend::NumberType type, const void* data, int64_t place) {
  switch (type) {
    case backend::NumberType::kF32:
      return static_cast<const float*>(data)[place];
    case backend::NumberType::kBf16:
      return std::bit_cast<float>(uint32_t{static_cast<const backend::Bf16*>(data)[place].bits} << 16);
    case backend::NumberType::kE4m3:
      return backend::decode(static_cast<const backend::E4m3*>(data)[place].bits, backend::kE4m3Format);
  }
  return 0;
}

// Scale of the number in row `outer` of op(a), or column of op(b), at place `k` of the inner dimension of `inner`.
double scale_at(backend::ScaleMode mode, const float* scales, int64_t outer, int64_t outers, int64_t k, int64_t inner) {
  switch (mode) {
    case backend::ScaleMode::kNone:
      return 1;
    case backend::ScaleMode::kRows128:
      return scales[k / backend::kFp8Tile * outers + outer];
    case backend::ScaleMode::kBlocks128:
      return scales[outer / backend::kFp8Tile * backend::block_scales_stride(inner) + k / backend::kFp8Tile];
  }
  return 0;
}

// A factor as [outer][inner] with its scales.
std::vector<double> factor(const backend::ColumnMatrix& matrix, const void* data, const float* scales, int64_t batch,
                           bool outer_is_column, int64_t outers, int64_t inner) {
  std::vector<double> result(static_cast<size_t>(outers * inner));
  for (int64_t outer = 0; outer < outers; ++outer) {
    for (int64_t k = 0; k < inner; ++k) {
      const bool by_column = outer_is_column != matrix.transposed;
      const int64_t row = by_column ? k : outer;
      const int64_t column = by_column ? outer : k;
      result[outer * inner + k] =
          number_at(matrix.type, data, batch * matrix.batch_stride + column * matrix.leading + row) *
          scale_at(matrix.scales, scales, outer, outers, k, inner);
    }
  }
  return result;
}

}  // namespace

void HostProducts::multiply(const backend::SmStream& /*stream*/, const backend::ProductDescription& product,
                            const backend::ProductOperands& operands) {
  for (int64_t batch = 0; batch < product.batches; ++batch) {
    const auto a = factor(product.a, operands.a, operands.a_scales, batch, false, product.m, product.inner);
    const auto b = factor(product.b, operands.b, operands.b_scales, batch, true, product.n, product.inner);
    auto* d = static_cast<float*>(operands.d) + batch * product.d.batch_stride;
    for (int64_t j = 0; j < product.n; ++j) {
      for (int64_t i = 0; i < product.m; ++i) {
        float& out = d[j * product.d.leading + i];
        double sum = product.accumulate ? out : 0;
        for (int64_t k = 0; k < product.inner; ++k) sum += a[i * product.inner + k] * b[j * product.inner + k];
        out = static_cast<float>(sum);
      }
    }
  }
}

}  // namespace pipeloom::tests
