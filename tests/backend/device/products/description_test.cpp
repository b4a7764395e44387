#include "backend/device/products/description.h"

#include <gtest/gtest.h>

#include "backend/device/model/gpu_products.h"
#include "backend/model/bf16_products.h"
#include "backend/model/fp8_products.h"
#include "tests/backend/cuda/device.h"
#include "tests/backend/support.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(WeightProducts);

struct Shape {
  int64_t rows;
  int64_t inner;
  int64_t columns;
};

// A weight with its gradient on the device.
struct DeviceWeight {
  explicit DeviceWeight(const backend::Matrix<float>& numbers)
      : full(numbers.numbers()),
        factor(rounded_to_bf16(numbers.numbers())),
        gradient(std::vector<float>(numbers.numbers().size(), 0.25F)),
        weight{full, factor, gradient, numbers.rows(), numbers.columns()} {}
  DeviceArray<float> full;
  DeviceArray<backend::Bf16> factor;
  DeviceArray<float> gradient;
  backend::GpuWeight weight;
};

backend::Matrix<float> as_bf16(backend::Matrix<float> matrix) {
  matrix.numbers() = widened(rounded_to_bf16(matrix.numbers()));
  return matrix;
}

// The three products of a weight, set and added, against the host's.
void expect_products(const Shape& shape, const backend::Products<float>& reference, bool fp8, double tolerance) {
  const backend::Matrix<float> x = as_bf16(random_matrix<float>(shape.rows, shape.inner, 1));
  const backend::Matrix<float> w = random_matrix<float>(shape.inner, shape.columns, 2);
  const backend::Matrix<float> dy = as_bf16(random_matrix<float>(shape.rows, shape.columns, 3));
  const backend::Matrix<float> y = reference.times(x.view(), w.view());
  const backend::Matrix<float> dx = reference.input_gradient(dy.view(), w.view());
  backend::Matrix<float> dw(shape.inner, shape.columns);
  std::fill(dw.numbers().begin(), dw.numbers().end(), 0.25F);
  reference.add_weight_gradient(x.view(), dy.view(), dw.view());

  const DeviceWeight weight(w);
  const auto runner = device_products();
  backend::Fp8Scratch scratch;
  const backend::GpuProducts products(*runner, fp8 ? &scratch : nullptr);
  products.prepare(shape.rows, weight.weight);
  backend::Arena measure;
  scratch.place(measure);
  const DeviceMemory memory(measure.peak_bytes() + 1);
  backend::Arena arena(memory.data());
  scratch.place(arena);
  const DeviceArray<backend::Bf16> device_x(rounded_to_bf16(x.numbers())), device_dy(rounded_to_bf16(dy.numbers()));
  const DeviceArray<float> device_y(y.size()), device_dx(dx.size());
  products.times(device_stream(), device_x, shape.rows, weight.weight, device_y, backend::Into::kSet);
  EXPECT_LT(relative_difference(device_y.numbers(), y.numbers()), tolerance);
  products.times(device_stream(), device_x, shape.rows, weight.weight, device_y, backend::Into::kAdd);
  backend::Matrix<float> twice = y;
  twice += y;
  EXPECT_LT(relative_difference(device_y.numbers(), twice.numbers()), tolerance);
  products.input_gradient(device_stream(), device_dy, shape.rows, weight.weight, device_dx, backend::Into::kSet);
  EXPECT_LT(relative_difference(device_dx.numbers(), dx.numbers()), tolerance);
  products.add_weight_gradient(device_stream(), {device_x}, {device_dy}, shape.rows, weight.weight);
  EXPECT_LT(relative_difference(weight.gradient.numbers(), dw.numbers()), tolerance);
}

DEVICE_TEST(WeightProducts, Bf16AreTheReferencesInEveryForm) {
  const backend::Bf16Products reference(backend::plain_products<float>());
  for (const Shape& shape : {Shape{1, 1, 1}, {3, 5, 7}, {16, 32, 48}, {130, 64, 16}}) {
    SCOPED_TRACE(testing::Message() << shape.rows << " x " << shape.inner << " x " << shape.columns);
    expect_products(shape, reference, false, 1e-5);
  }
}

// The reference adds as a tensor core does, in fewer bits.
DEVICE_TEST(WeightProducts, Fp8AreTheReferencesInEveryForm) {
  for (const Shape& shape : {Shape{5, 16, 32}, {130, 160, 16}, {64, 256, 144}}) {
    SCOPED_TRACE(testing::Message() << shape.rows << " x " << shape.inner << " x " << shape.columns);
    expect_products(shape, backend::fp8_products(), true, 2e-3);
  }
}

TEST(ProductDescription, HoldsWhatTheRecipeSays) {
  const backend::ProductDescription forward =
      backend::fp8_product(40, 64, 130, backend::ScaleMode::kBlocks128, backend::Into::kSet, 24);
  EXPECT_EQ(forward.inner, 256);  // whole tiles
  EXPECT_EQ(forward.a.scales, backend::ScaleMode::kBlocks128);
  EXPECT_EQ(forward.b.scales, backend::ScaleMode::kRows128);
  EXPECT_TRUE(forward.a.transposed);  // tensor cores read FP8 with the inner dimension last
  EXPECT_FALSE(forward.b.transposed);
  EXPECT_FALSE(forward.fast_accumulation);
  EXPECT_EQ(forward.sms, 24);
  EXPECT_EQ(forward.workspace_bytes, backend::kProductWorkspaceBytes);
  EXPECT_EQ(backend::fp8_product(64, 64, 40, backend::ScaleMode::kRows128, backend::Into::kAdd, 24).a.scales,
            backend::ScaleMode::kRows128);
  EXPECT_TRUE(backend::fits_fp8(16, 48));
  EXPECT_FALSE(backend::fits_fp8(16, 40));
}

TEST(ProductDescription, BatchesOfHeadsShareKeys) {
  const backend::RowMatrix query{5, 4, 24, 8};
  const backend::RowMatrix key{5, 4, 12, 4};
  const backend::RowMatrix scores{5, 5, 5, 25};
  const backend::ProductDescription product =
      backend::bf16_product(backend::Form::kTransposedB, query, key, scores, backend::Into::kSet, 3, 16);
  EXPECT_EQ(product.batches, 3);
  EXPECT_EQ(product.a.leading, 12);  // keys: our second factor
  EXPECT_EQ(product.a.batch_stride, 4);
  EXPECT_TRUE(product.a.transposed);
  EXPECT_EQ(product.b.leading, 24);
  EXPECT_EQ(product.b.batch_stride, 8);
  EXPECT_EQ(product.d.batch_stride, 25);
}

}  // namespace
}  // namespace pipeloom::tests
