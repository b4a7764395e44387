#include "backend/device/kernels/adam_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>

#include "backend/device/kernels/clip_kernels.h"
#include "backend/device/kernels/columns_kernels.h"
#include "backend/device/kernels/embedding_kernels.h"
#include "backend/model/embedding.h"
#include "backend/model/moments.h"
#include "backend/model/square_sum.h"
#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(Adam);
DEVICE_SUITE(Clip);
DEVICE_SUITE(Embedding);

// `Stored`: of a moment.
template <typename Stored>
void expect_the_references_steps(int64_t count, Format format, double tolerance) {
  backend::AdamOptions options;
  options.weight_decay = 0.1;
  auto weights = random_floats(count, 1);
  const backend::NumberRange all{0, count};
  backend::Moments moments(all, format);
  const DeviceArray<float> device_weights(weights);
  const DeviceArray<Stored> first(std::vector<Stored>(weights.size())), second(std::vector<Stored>(weights.size()));
  const DeviceArray<backend::Bf16> factors(count);
  for (int64_t step = 1; step <= 3; ++step) {
    const auto gradients = random_floats(count, 10 + static_cast<uint64_t>(step));
    std::vector<float> scaled = gradients;
    for (float& gradient : scaled) gradient *= 0.5F;
    std::vector<float> new_first = moments.first();
    std::vector<float> new_second = moments.second();
    backend::adam_step(options, step, scaled, {weights, new_first, new_second});
    moments.set(new_first, new_second);
    const DeviceArray<float> device_gradients(gradients);
    const DeviceArray<backend::AdamStep> numbers(
        std::vector<backend::AdamStep>{backend::adam_step_numbers(options, step, 0.5)});
    backend::adam(device_stream(), options, numbers, device_gradients, count,
                  {{device_weights, first.get(), second.get()}, factors, format, {}});
    EXPECT_LT(relative_difference(device_weights.numbers(), weights), 1e-6);
  }
  EXPECT_LT(relative_difference(first.numbers(), moments.first()), tolerance);
  EXPECT_LT(relative_difference(second.numbers(), moments.second()), tolerance);
  const auto expected = rounded_to_bf16(device_weights.numbers());
  EXPECT_EQ(widened(factors.numbers()), widened(expected));
}

DEVICE_TEST(Adam, MatchesTheReferenceOverSteps) {
  for (const int64_t count : {1, 255, 1000}) {
    expect_the_references_steps<float>(count, Format::kFp32, 1e-6);
    expect_the_references_steps<backend::Bf16>(count, Format::kBf16, 1e-6);
  }
}

// Where the norm turns out too large, the step is as if that had been known before; where it is not a number, as if
// there had been none.
DEVICE_TEST(Adam, RunsAgainFromWhatWasBefore) {
  constexpr int64_t kCount = 1000;
  const backend::AdamOptions options;
  const DeviceArray<float> gradients(random_floats(kCount, 2));
  struct State {
    DeviceArray<float> weights{random_floats(kCount, 1)}, first{random_floats(kCount, 3, 0.1F)},
        second{std::vector<float>(kCount, 0.5F)};
    DeviceArray<float> weights_before{kCount}, first_before{kCount}, second_before{kCount};
    DeviceArray<backend::Bf16> factors{kCount};

    backend::AdamNumbers numbers() const {
      return {{weights, first.get(), second.get()},
              factors,
              Format::kFp32,
              {weights_before, first_before.get(), second_before.get()}};
    }
    auto all() const {
      return std::tuple(weights.numbers(), first.numbers(), second.numbers(), widened(factors.numbers()));
    }
  };
  const auto step_of = [&](double scale) {
    return DeviceArray<backend::AdamStep>(
        std::vector<backend::AdamStep>{backend::adam_step_numbers(options, 2, scale)});
  };
  const auto once = [&](const State& state, double scale) {
    backend::adam(device_stream(), options, step_of(scale), gradients, kCount, state.numbers());
  };
  const auto again = [&](const State& state, double scale) {
    backend::adam_again(device_stream(), options, step_of(scale), gradients, kCount, state.numbers());
  };
  const State clipped, validated, unclipped, fine, untouched, broken;
  once(clipped, 0.25);
  once(validated, 1);
  again(validated, 0.25);
  EXPECT_EQ(validated.all(), clipped.all());
  once(unclipped, 1);
  once(fine, 1);
  again(fine, 1);
  EXPECT_EQ(fine.all(), unclipped.all());
  EXPECT_NE(fine.all(), clipped.all());
  backend::round_to_bf16(device_stream(), untouched.weights, kCount, untouched.factors);
  once(broken, 1);
  again(broken, std::nan(""));
  EXPECT_EQ(broken.all(), untouched.all());
}

DEVICE_TEST(Adam, BiasesMoveAgainstTheirLoads) {
  const DeviceArray<float> biases(std::vector<float>{1, 2, 3, 4}), loads(std::vector<float>{7, 3, 5, 4});
  backend::move_biases(device_stream(), 0.25, 4, loads, 4, biases);
  EXPECT_EQ(biases.numbers(), (std::vector<float>{0.75, 2.25, 2.75, 4}));
}

DEVICE_TEST(Clip, ScalesAsTheReference) {
  for (const int64_t count : {0, 1, 1000, 100'000}) {
    const auto numbers = random_floats(count, 3);
    const DeviceArray<float> device(numbers);
    const DeviceArray<double> partials(backend::kSquareBlocks), others(std::vector(backend::kSquareBlocks, 0.0)),
        total(1);
    backend::set_zero(device_stream(), backend::kSquareBlocks, partials);
    backend::add_squares(device_stream(), device, count / 3, partials);
    backend::add_squares(device_stream(), device + count / 3, count - count / 3, partials);
    backend::SquareSums sums;
    sums.partials[0] = partials;
    sums.partials[1] = others;
    sums.count = 2;
    backend::total_squares(device_stream(), sums, total);
    backend::SquareSum expected;
    for (const float number : numbers) ASSERT_TRUE(expected.add(number));
    EXPECT_NEAR(std::sqrt(total.numbers()[0]), expected.norm(), 1e-12 * (1 + expected.norm()));
    for (const double most : {0.5, 5.0, 1e6}) {
      const DeviceArray<backend::AdamStep> step(std::vector<backend::AdamStep>(1));
      backend::clip(device_stream(), total, most, step);
      EXPECT_NEAR(step.numbers()[0].gradient_scale, backend::clip_scale(expected.norm(), most), 1e-12);
      const double infinite = std::numeric_limits<double>::infinity();
      for (const double bad : {infinite, std::nan("")}) {
        backend::clip(device_stream(), DeviceArray<double>(std::vector{bad}), most, step);
        EXPECT_TRUE(std::isnan(step.numbers()[0].gradient_scale));
      }
    }
  }
}

DEVICE_TEST(Embedding, MatchesTheReferenceWithAndWithoutPositions) {
  for (const int positions : {0, 6}) {
    Model model;
    model.hidden = 37;
    model.vocabulary = 11;
    model.learned_positions = positions;
    backend::ParameterBlock block;
    const pipeloom::backend::Embedding<float> reference(block, model, 6, {});
    const std::vector<int32_t> tokens = {3, 3, 10, 0, 3, 7, 1, 3, 10, 2, 2, 2};
    const auto weights = random_floats(11 * 37 + block.size(), 1);  // table, positions
    const auto rounded_dy = rounded_to_bf16(random_floats(12 * 37, 2));
    const auto dy = widened(rounded_dy);
    pipeloom::backend::Embedding<float>::Saved saved;
    const backend::Matrix<float> rows = reference.forward(weights.data() + 11 * 37, weights.data(), tokens, saved);
    backend::Matrix<float> dy_matrix(12, 37);
    dy_matrix.numbers() = dy;
    reference.input_backward(dy_matrix, saved);
    std::vector<float> gradients(weights.size(), 1.F);
    reference.weight_backward(saved, gradients.data() + 11 * 37, gradients.data());

    const backend::EmbeddingShape shape{12, 37, 6};
    const DeviceArray<int32_t> device_tokens(tokens);
    const DeviceArray<float> table(weights);
    const DeviceArray<backend::Bf16> out(12 * 37), device_dy(rounded_dy);
    const DeviceArray<float> device_gradients(std::vector<float>(weights.size(), 1.F));
    const int64_t places = 11 * 37;
    backend::embed(device_stream(), shape, device_tokens, table, positions > 0 ? table + places : nullptr, out);
    backend::embed_backward(device_stream(), shape, device_tokens, device_dy, device_gradients,
                            positions > 0 ? device_gradients + places : nullptr);
    EXPECT_EQ(widened(out.numbers()), widened(rounded_to_bf16(rows.numbers())));
    EXPECT_LT(relative_difference(device_gradients.numbers(), gradients), 1e-6);
  }
}

}  // namespace
}  // namespace pipeloom::tests
