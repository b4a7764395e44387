#include "backend/device/products/description.h"

#include "backend/device/kernels/fp8_kernels.h"
#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

// A row-major matrix is, by columns, its transpose.
ColumnMatrix by_columns(NumberType type, const RowMatrix& matrix) {
  ColumnMatrix columns;
  columns.type = type;
  columns.rows = matrix.columns;
  columns.columns = matrix.rows;
  columns.leading = matrix.stride;
  columns.batch_stride = matrix.batch_stride;
  return columns;
}

}  // namespace

ProductDescription bf16_product(Form form, const RowMatrix& a, const RowMatrix& b, const RowMatrix& c, Into into,
                                int64_t batches, int sms) {
  const int64_t rows = form == Form::kTransposedA ? a.columns : a.rows;
  const int64_t inner = form == Form::kTransposedA ? a.rows : a.columns;
  const int64_t columns = form == Form::kTransposedB ? b.rows : b.columns;
  PIPELOOM_THROW_UNLESS(inner == (form == Form::kTransposedB ? b.columns : b.rows));
  PIPELOOM_THROW_UNLESS(c.rows == rows && c.columns == columns && batches > 0);
  ProductDescription product;
  product.m = columns;
  product.n = rows;
  product.inner = inner;
  product.batches = batches;
  product.a = by_columns(NumberType::kBf16, b);
  product.a.transposed = form == Form::kTransposedB;
  product.b = by_columns(NumberType::kBf16, a);
  product.b.transposed = form == Form::kTransposedA;
  product.d = by_columns(NumberType::kF32, c);
  product.accumulate = into == Into::kAdd;
  product.sms = sms;
  product.workspace_bytes = kProductWorkspaceBytes;
  return product;
}

ProductDescription fp8_product(int64_t rows, int64_t columns, int64_t inner, ScaleMode y_scales, Into into, int sms) {
  PIPELOOM_THROW_UNLESS(columns % 16 == 0 && y_scales != ScaleMode::kNone);
  const int64_t padded = padded_inner(inner);
  ProductDescription product;
  product.m = columns;
  product.n = rows;
  product.inner = padded;
  product.a = by_columns(NumberType::kE4m3, RowMatrix::dense(columns, padded));
  product.a.transposed = true;
  product.a.scales = y_scales;
  product.b = by_columns(NumberType::kE4m3, RowMatrix::dense(rows, padded));
  product.b.scales = ScaleMode::kRows128;
  product.d = by_columns(NumberType::kF32, RowMatrix::dense(rows, columns));
  product.accumulate = into == Into::kAdd;
  product.sms = sms;
  product.workspace_bytes = kProductWorkspaceBytes;
  return product;
}

}  // namespace pipeloom::backend
