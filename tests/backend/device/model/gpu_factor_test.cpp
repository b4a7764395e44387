#include "backend/device/model/gpu_factor.h"

#include <gtest/gtest.h>

#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(WaitingFactor);

constexpr int64_t kRows = 256;
constexpr int64_t kWidth = 48;
constexpr int64_t kColumns = 32;

// A W in the precision of `fp8` (null: BF16), of factors as they are or after they waited.
struct Waiting {
  std::vector<float> gradient;
  int64_t late_bytes = 0;
};
Waiting weight_gradient(backend::Fp8Scratch* fp8, bool waits) {
  const auto runner = device_products();
  const backend::GpuProducts products(*runner, fp8);
  const DeviceArray<backend::Bf16> x(rounded_to_bf16(random_floats(kRows * kWidth, 1)));
  const DeviceArray<backend::Bf16> dy(rounded_to_bf16(random_floats(kRows * kColumns, 2, 1e-3F)));
  const DeviceArray<float> gradient(std::vector<float>(kWidth * kColumns, 0.5F));
  const backend::GpuWeight weight{nullptr, nullptr, gradient, kWidth, kColumns};
  const auto with_factors = [&](backend::Arena& late, const auto& use) {
    backend::Arena nowhere;
    backend::GpuConstants constants(nowhere);
    const backend::GpuSetup setup{nowhere,  late,     nowhere, nowhere, constants, products,
                                  products, products, {},      kRows,   kRows};
    use(backend::GpuFactor::from_input(setup, products, kRows, kWidth),
        backend::GpuFactor::from_input(setup, products, kRows, kColumns));
  };
  backend::Arena size;
  with_factors(size, [&](const backend::GpuFactor&, const backend::GpuFactor&) { products.prepare(kRows, weight); });
  const DeviceMemory memory(size.peak_bytes() + (int64_t{1} << 20));
  backend::Arena late(memory.data());
  if (fp8 != nullptr) fp8->place(late);
  with_factors(late, [&](const backend::GpuFactor& kept_x, const backend::GpuFactor& kept_dy) {
    if (!waits) return products.add_weight_gradient(device_stream(), {x}, {dy}, kRows, weight);
    const DeviceArray<backend::Bf16> scratch(kRows * kWidth);
    kept_x.keep(device_stream(), x);
    kept_dy.keep(device_stream(), dy);
    products.add_weight_gradient(device_stream(), kept_x.of_w(device_stream(), scratch),
                                 kept_dy.of_w(device_stream(), scratch), kRows, weight);
  });
  return {gradient.numbers(), size.peak_bytes()};
}

// And in FP8 it takes about half the bytes.
DEVICE_TEST(WaitingFactor, LosesNothing) {
  EXPECT_EQ(weight_gradient(nullptr, true).gradient, weight_gradient(nullptr, false).gradient);
  backend::Fp8Scratch one;
  backend::Fp8Scratch other;
  const Waiting kept = weight_gradient(&one, true);
  EXPECT_EQ(kept.gradient, weight_gradient(&other, false).gradient);
  EXPECT_NE(kept.gradient, weight_gradient(nullptr, true).gradient);
  EXPECT_LT(kept.late_bytes, 0.55 * static_cast<double>(weight_gradient(nullptr, true).late_bytes));
}

}  // namespace
}  // namespace pipeloom::tests
