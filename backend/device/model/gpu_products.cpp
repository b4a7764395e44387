#include "backend/device/model/gpu_products.h"

#include <algorithm>

#include "backend/device/kernels/fp8_kernels.h"
#include "core/base/check.h"

namespace pipeloom::backend {

void Fp8Scratch::reserve(int64_t rows, int64_t columns, int64_t inner) {
  x_size_ = std::max(x_size_, rows * padded_inner(inner));
  y_size_ = std::max(y_size_, columns * padded_inner(inner));
  x_scales_size_ = std::max(x_scales_size_, rows * fp8_tiles(inner));
  y_scales_size_ =
      std::max({y_scales_size_, columns * fp8_tiles(inner), fp8_tiles(columns) * block_scales_stride(inner)});
}

void Fp8Scratch::place(Arena& arena) {
  x_ = arena.take<E4m3>(x_size_);
  y_ = arena.take<E4m3>(y_size_);
  x_scales_ = arena.take<float>(x_scales_size_);
  y_scales_ = arena.take<float>(y_scales_size_);
}

void GpuProducts::prepare(int64_t rows, const GpuWeight& weight) const {
  if (fp8_ == nullptr) return;
  PIPELOOM_THROW_UNLESS(fits_fp8(weight.rows, weight.columns));
  fp8_->reserve(rows, weight.columns, weight.rows);
  fp8_->reserve(rows, weight.rows, weight.columns);
  fp8_->reserve(weight.rows, weight.columns, rows);
}

void GpuProducts::times(const SmStream& stream, const Bf16* x, int64_t rows, const GpuWeight& weight, float* y,
                        Into into) const {
  if (fp8_ == nullptr) {
    return multiply(stream, Form::kPlain, x, RowMatrix::dense(rows, weight.rows), weight.factor,
                    RowMatrix::dense(weight.rows, weight.columns), y, RowMatrix::dense(rows, weight.columns), into);
  }
  quantise_rows(stream, x, rows, weight.rows, fp8_->x(), fp8_->x_scales());
  quantise_blocks(stream, weight.full, weight.columns, weight.rows, true, fp8_->y(), fp8_->y_scales());
  multiply_fp8(stream, scratch_x(), scratch_y(),
               fp8_product(rows, weight.columns, weight.rows, ScaleMode::kBlocks128, into, stream.sms), y);
}

void GpuProducts::input_gradient(const SmStream& stream, const Bf16* dy, int64_t rows, const GpuWeight& weight,
                                 float* dx, Into into) const {
  if (fp8_ == nullptr) {
    return multiply(stream, Form::kTransposedB, dy, RowMatrix::dense(rows, weight.columns), weight.factor,
                    RowMatrix::dense(weight.rows, weight.columns), dx, RowMatrix::dense(rows, weight.rows), into);
  }
  quantise_rows(stream, dy, rows, weight.columns, fp8_->x(), fp8_->x_scales());
  quantise_blocks(stream, weight.full, weight.rows, weight.columns, false, fp8_->y(), fp8_->y_scales());
  multiply_fp8(stream, scratch_x(), scratch_y(),
               fp8_product(rows, weight.rows, weight.columns, ScaleMode::kBlocks128, into, stream.sms), dx);
}

void GpuProducts::add_weight_gradient(const SmStream& stream, FactorOfW x, FactorOfW dy, int64_t rows,
                                      const GpuWeight& weight) const {
  if (fp8_ == nullptr) {
    return multiply(stream, Form::kTransposedA, x.values, RowMatrix::dense(rows, weight.rows), dy.values,
                    RowMatrix::dense(rows, weight.columns), weight.gradient,
                    RowMatrix::dense(weight.rows, weight.columns), Into::kAdd);
  }
  if (x.values != nullptr) {
    quantise_columns(stream, x.values, rows, weight.rows, fp8_->x(), fp8_->x_scales());
    x = scratch_x();
  }
  if (dy.values != nullptr) {
    quantise_columns(stream, dy.values, rows, weight.columns, fp8_->y(), fp8_->y_scales());
    dy = scratch_y();
  }
  multiply_fp8(stream, x, dy,
               fp8_product(weight.rows, weight.columns, rows, ScaleMode::kRows128, Into::kAdd, stream.sms),
               weight.gradient);
}

void GpuProducts::multiply(const SmStream& stream, Form form, const Bf16* a, const RowMatrix& a_shape, const Bf16* b,
                           const RowMatrix& b_shape, float* c, const RowMatrix& c_shape, Into into,
                           int64_t batches) const {
  ProductOperands operands;
  operands.a = b;
  operands.b = a;
  operands.d = c;
  runner_.multiply(stream, bf16_product(form, a_shape, b_shape, c_shape, into, batches, stream.sms), operands);
}

void GpuProducts::multiply_fp8(const SmStream& stream, const FactorOfW& x, const FactorOfW& y,
                               const ProductDescription& product, float* c) const {
  ProductOperands operands;
  operands.a = y.numbers;
  operands.b = x.numbers;
  operands.d = c;
  operands.a_scales = y.scales;
  operands.b_scales = x.scales;
  runner_.multiply(stream, product, operands);
}

}  // namespace pipeloom::backend
