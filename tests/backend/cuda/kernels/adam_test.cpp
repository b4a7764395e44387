#include "backend/cuda/kernels/adam.h"

#include <gtest/gtest.h>

#include "backend/cuda/kernels/embedding.h"
#include "backend/model/embedding.h"
#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(Adam);
DEVICE_SUITE(Embedding);

DEVICE_TEST(Adam, MatchesTheReferenceOverSteps) {
  for (const int64_t count : {1, 255, 1000}) {
    AdamOptions options;
    options.weight_decay = 0.1;
    auto weights = random_floats(count, 1);
    std::vector<float> first(weights.size());
    std::vector<float> second(weights.size());
    const DeviceArray<float> device_weights(weights), device_first(first), device_second(second);
    const DeviceArray<Bf16> factors(count);
    for (int64_t step = 1; step <= 3; ++step) {
      const auto gradients = random_floats(count, 10 + step);
      std::vector<float> scaled = gradients;
      for (float& gradient : scaled) gradient *= 0.5F;
      adam_step(options, step, scaled, {weights, first, second});
      const DeviceArray<float> device_gradients(gradients);
      const DeviceArray<AdamStep> numbers(std::vector<AdamStep>{adam_step_numbers(options, step, 0.5)});
      adam(device_stream(), options, numbers, device_gradients, count,
           {device_weights, device_first, device_second, factors});
      EXPECT_LT(relative_difference(device_weights.numbers(), weights), 1e-6);
    }
    EXPECT_LT(relative_difference(device_first.numbers(), first), 1e-6);
    EXPECT_LT(relative_difference(device_second.numbers(), second), 1e-6);
    const auto expected = rounded_to_bf16(device_weights.numbers());
    EXPECT_EQ(widened(factors.numbers()), widened(expected));
  }
}

DEVICE_TEST(Embedding, MatchesTheReferenceWithAndWithoutPositions) {
  for (const int positions : {0, 6}) {
    Model model;
    model.hidden = 37;
    model.vocabulary = 11;
    model.learned_positions = positions;
    ParameterBlock block;
    const pipeloom::Embedding<float> reference(block, model, 6, {});
    const std::vector<int32_t> tokens = {3, 3, 10, 0, 3, 7, 1, 3, 10, 2, 2, 2};
    const auto weights = random_floats(11 * 37 + block.size(), 1);  // table, positions
    const auto dy = random_floats(12 * 37, 2);
    pipeloom::Embedding<float>::Saved saved;
    const Matrix<float> rows = reference.forward(weights.data() + 11 * 37, weights.data(), tokens, saved);
    Matrix<float> dy_matrix(12, 37);
    dy_matrix.numbers() = dy;
    reference.input_backward(dy_matrix, saved);
    std::vector<float> gradients(weights.size(), 1.F);
    reference.weight_backward(saved, gradients.data() + 11 * 37, gradients.data());

    const EmbeddingShape shape{12, 37, 6};
    const DeviceArray<int32_t> device_tokens(tokens);
    const DeviceArray<float> table(weights), out(12 * 37), device_dy(dy);
    const DeviceArray<float> device_gradients(std::vector<float>(weights.size(), 1.F));
    const int64_t places = 11 * 37;
    embed(device_stream(), shape, device_tokens, table, positions > 0 ? table + places : nullptr, out);
    embed_backward(device_stream(), shape, device_tokens, device_dy, device_gradients,
                   positions > 0 ? device_gradients + places : nullptr);
    EXPECT_EQ(out.numbers(), rows.numbers());
    EXPECT_LT(relative_difference(device_gradients.numbers(), gradients), 1e-6);
  }
}

}  // namespace
}  // namespace pipeloom::tests
