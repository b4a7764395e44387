#include "backend/cuda/kernels/gate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "backend/model/gate.h"
#include "tests/backend/cuda/device.h"
#include "tests/backend/support.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(Gate);

// A gate whose logits are its input.
struct Reference {
  explicit Reference(const GateShape& shape) : gate(block, model_of(shape), {}, plain_products<float>()) {
    weights.resize(static_cast<size_t>(shape.experts) * shape.experts);
    for (int i = 0; i < shape.experts; ++i) weights[static_cast<size_t>(i) * shape.experts + i] = 1;
  }
  static Model model_of(const GateShape& shape) {
    Model model;
    model.hidden = shape.experts;
    model.moe.emplace();
    model.moe->routed_experts = shape.experts;
    model.moe->experts_per_token = shape.per_token;
    model.moe->groups = shape.groups;
    model.moe->groups_per_token = shape.groups_per_token;
    return model;
  }

  ParameterBlock block;
  pipeloom::Gate<float> gate;
  std::vector<float> weights;
};

// Logits of few different values: many are equal.
std::vector<float> logits_with_ties(const GateShape& shape) {
  auto logits = random_floats(shape.tokens * shape.experts, 11, 4);
  for (float& logit : logits) logit = std::round(logit);
  return logits;
}

DEVICE_TEST(Gate, ChoosesAsTheReferenceTiesIncluded) {
  for (const GateShape shape : {GateShape{5, 1, 1, 1, 1},
                                {9, 8, 1, 1, 2},
                                {9, 8, 4, 2, 3},
                                {7, 64, 8, 4, 8},
                                {4, 256, 8, 4, 8},
                                {3, 40, 1, 1, 40}}) {
    Reference reference(shape);
    const auto logits = logits_with_ties(shape);
    Matrix<float> input(shape.tokens, shape.experts);
    input.numbers() = logits;
    pipeloom::Gate<float>::Saved saved;
    const auto routing = reference.gate.forward(reference.weights.data(), input, saved);
    const auto dw = random_floats(shape.choices(), 12);
    reference.gate.input_backward(reference.weights.data(), dw, saved);

    const DeviceArray<float> device(logits), weights(shape.choices()), device_dw(dw);
    const DeviceArray<int32_t> chosen(shape.choices());
    const DeviceArray<Bf16> gradient(shape.tokens * shape.experts);
    choose_experts(device_stream(), shape, device, chosen, weights);
    choose_experts_backward(device_stream(), shape, chosen, weights, device_dw, gradient);
    EXPECT_EQ(chosen.numbers(), routing.experts);
    EXPECT_LT(relative_difference(weights.numbers(), routing.weights), 1e-5);
    EXPECT_LT(relative_difference(gradient.numbers(), saved.logits_gradient.values().numbers()), 0.004);
  }
}

DEVICE_TEST(Gate, ChoosesExpertsThatExistWhateverTheLogits) {
  const GateShape shape{4, 12, 3, 2, 4};
  for (const float value : {NAN, -INFINITY, INFINITY}) {
    const DeviceArray<float> logits(std::vector<float>(4 * 12, value)), weights(shape.choices());
    const DeviceArray<int32_t> chosen(shape.choices());
    choose_experts(device_stream(), shape, logits, chosen, weights);
    const auto experts = chosen.numbers();
    for (int64_t token = 0; token < shape.tokens; ++token) {
      const std::set<int32_t> own(experts.begin() + token * 4, experts.begin() + (token + 1) * 4);
      EXPECT_EQ(own.size(), 4u);
      EXPECT_GE(*own.begin(), 0);
      EXPECT_LT(*own.rbegin(), 12);
    }
  }
}

}  // namespace
}  // namespace pipeloom::tests
