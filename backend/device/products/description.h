#pragma once

#include <compare>
#include <cstdint>

#include "backend/model/products.h"

namespace pipeloom::backend {

enum class NumberType : uint8_t { kF32, kBf16, kE4m3 };
// How a factor's scales lie: none; one per 1x128 along the inner dimension, [tile][row]; one per 128x128, [row of
// blocks][block_scales_stride].
enum class ScaleMode : uint8_t { kNone, kRows128, kBlocks128 };

// A matrix as cuBLASLt sees it: by columns, `leading` numbers from one to the next.
struct ColumnMatrix {
  NumberType type = NumberType::kF32;
  ScaleMode scales = ScaleMode::kNone;
  bool transposed = false;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t leading = 0;
  int64_t batch_stride = 0;

  auto operator<=>(const ColumnMatrix&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 sees a 0 in it
};

// d = op(a) op(b), or d += op(a) op(b), `batches` times: everything about a product but its addresses. Row-major
// matrices are the transposes of what cuBLASLt sees, so a row-major c = x w is described as c' = w' x': its `a` is
// our second factor.
struct ProductDescription {
  int64_t m = 0;
  int64_t n = 0;
  int64_t inner = 0;
  int64_t batches = 1;
  ColumnMatrix a;
  ColumnMatrix b;
  ColumnMatrix d;
  bool accumulate = false;
  int sms = 0;  // CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET
  int64_t workspace_bytes = 0;
  // Off keeps the periodic promotion of partial sums to FP32 (DeepSeek-V3 report, section 3.3.2).
  bool fast_accumulation = false;

  auto operator<=>(const ProductDescription&) const = default;  // NOLINT(modernize-use-nullptr): as above
};

// Where the numbers are. `a` and `b` are the description's.
struct ProductOperands {
  const void* a = nullptr;
  const void* b = nullptr;
  void* d = nullptr;
  const float* a_scales = nullptr;
  const float* b_scales = nullptr;
};

// Hopper's kernels ask for up to 32 MiB (cuBLAS documentation, cublasSetWorkspace); one per stream.
inline constexpr int64_t kProductWorkspaceBytes = int64_t{32} << 20;

// A row-major factor or result of `rows` by `columns`, `stride` numbers from row to row, in as many batches as the
// product has, `batch_stride` numbers apart (0: the same for all).
struct RowMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t stride = 0;
  int64_t batch_stride = 0;

  static RowMatrix dense(int64_t rows, int64_t columns) { return {rows, columns, columns, 0}; }
};

// BF16 factors, FP32 sums and results: c = a b, a b' or a' b. Operands: a = our b, b = our a, d = c.
// REQUIRES: the shapes fit.
ProductDescription bf16_product(Form form, const RowMatrix& a, const RowMatrix& b, const RowMatrix& c, Into into,
                                int64_t batches, int sms);

// E4M3 factors with scales, FP32 sums and results: c [rows, columns] = x y', both factors with the inner dimension last
// (tensor cores read no others in FP8), padded to whole tiles (padded_inner). `y_scales`: kBlocks128 for
// weights, kRows128 for the gradients of a weight gradient. Operands: a = y, b = x, d = c.
ProductDescription fp8_product(int64_t rows, int64_t columns, int64_t inner, ScaleMode y_scales, Into into, int sms);

// Whether weights [rows, columns] can be factors of FP8 products: tensor cores want whole 16 bytes of every dimension
// of theirs. (Tokens are padded where they are the inner dimension.)
inline bool fits_fp8(int64_t rows, int64_t columns) {
  return rows % 16 == 0 && columns % 16 == 0;
}

}  // namespace pipeloom::backend
