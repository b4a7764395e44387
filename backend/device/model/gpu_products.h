#pragma once

#include "backend/device/kernels/stream.h"
#include "backend/device/model/arena.h"
#include "backend/device/model/gpu_weight.h"
#include "backend/device/products/product_runner.h"

namespace pipeloom::backend {

// Where factors lie while an FP8 product of the compute lane runs; one product at a time.
class Fp8Scratch {
 public:
  // Before place: a product of [rows, inner] with [columns, inner] will come.
  void reserve(int64_t rows, int64_t columns, int64_t inner);
  void place(Arena& arena);

  E4m3* x() const { return x_; }
  E4m3* y() const { return y_; }
  float* x_scales() const { return x_scales_; }
  float* y_scales() const { return y_scales_; }

 private:
  int64_t x_size_ = 0;
  int64_t y_size_ = 0;
  int64_t x_scales_size_ = 0;
  int64_t y_scales_size_ = 0;
  E4m3* x_ = nullptr;
  E4m3* y_ = nullptr;
  float* x_scales_ = nullptr;
  float* y_scales_ = nullptr;
};

// A factor of the product of a W, [rows, columns]: dense; or in FP8 as quantise_columns makes it, `values` being null.
struct FactorOfW {
  const Bf16* values = nullptr;
  const E4m3* numbers = nullptr;
  const float* scales = nullptr;
};

// Products of activations and gradients (dense, BF16) by weights, as Products in backend/model/products.h: factors in
// BF16, or in E4M3 as fp8_products there. Sums and results are FP32.
class GpuProducts {
 public:
  // `fp8`: null for BF16. Both outlive this.
  GpuProducts(ProductRunner& runner, Fp8Scratch* fp8) : runner_(runner), fp8_(fp8) {}

  // In a constructor: products of `rows` rows by `weight` will come. REQUIRES with FP8: fits_fp8.
  void prepare(int64_t rows, const GpuWeight& weight) const;

  // x [rows, k] times w [k, m].
  void times(const SmStream& stream, const Bf16* x, int64_t rows, const GpuWeight& weight, float* y, Into into) const;
  // The gradient of x: dy [rows, m] times w'.
  void input_gradient(const SmStream& stream, const Bf16* dy, int64_t rows, const GpuWeight& weight, float* dx,
                      Into into) const;
  // Adds x' dy to the weight's gradient.
  void add_weight_gradient(const SmStream& stream, FactorOfW x, FactorOfW dy, int64_t rows,
                           const GpuWeight& weight) const;

  bool in_fp8() const { return fp8_ != nullptr; }

  // Any product of BF16 matrices.
  void multiply(const SmStream& stream, Form form, const Bf16* a, const RowMatrix& a_shape, const Bf16* b,
                const RowMatrix& b_shape, float* c, const RowMatrix& c_shape, Into into, int64_t batches = 1) const;

 private:
  // `x` and `y` in FP8.
  void multiply_fp8(const SmStream& stream, const FactorOfW& x, const FactorOfW& y, const ProductDescription& product,
                    float* c) const;

  FactorOfW scratch_x() const { return {nullptr, fp8_->x(), fp8_->x_scales()}; }
  FactorOfW scratch_y() const { return {nullptr, fp8_->y(), fp8_->y_scales()}; }

  ProductRunner& runner_;
  Fp8Scratch* fp8_;
};

}  // namespace pipeloom::backend
