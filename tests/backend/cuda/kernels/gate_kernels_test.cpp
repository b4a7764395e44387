#include "backend/device/kernels/gate_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "backend/model/gate.h"
#include "tests/backend/cuda/device.h"
#include "tests/backend/support.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(Gate);

struct Tested {
  backend::GateShape shape;
  double balance_loss = 0;
  bool biased = false;
  int64_t sequence = 1;
};

// A gate whose logits are its input.
struct Reference {
  explicit Reference(const Tested& tested)
      : gate(block, model_of(tested), {tested.sequence, kLossScale}, backend::plain_products<float>()) {
    const int experts = tested.shape.experts;
    weights.resize(static_cast<size_t>(experts) * experts);
    for (int i = 0; i < experts; ++i) weights[static_cast<size_t>(i) * experts + i] = 1;
    if (tested.biased) {
      biases = random_floats(experts, 13, 0.3F);
      weights.insert(weights.end(), biases.begin(), biases.end());
    }
  }
  static Model model_of(const Tested& tested) {
    Model model;
    model.hidden = tested.shape.experts;
    model.moe.emplace();
    model.moe->routed_experts = tested.shape.experts;
    model.moe->experts_per_token = tested.shape.per_token;
    model.moe->groups = tested.shape.groups;
    model.moe->groups_per_token = tested.shape.groups_per_token;
    model.moe->gate = tested.shape.sigmoid ? GateScore::kSigmoid : GateScore::kSoftmax;
    model.moe->gate_scale = tested.shape.scale;
    model.moe->bias_step = tested.biased ? 0.01 : 0;
    model.moe->balance_loss = tested.balance_loss;
    return model;
  }

  static constexpr double kLossScale = 0.5;
  backend::ParameterBlock block;
  pipeloom::backend::Gate<float> gate;
  std::vector<float> weights;
  std::vector<float> biases;
};

// Logits of few different values: many are equal.
std::vector<float> logits_with_ties(const backend::GateShape& shape) {
  auto logits = random_floats(shape.tokens * shape.experts, 11, 4);
  for (float& logit : logits) logit = std::round(logit);
  return logits;
}

void expect_the_references_choices(const Tested& tested) {
  const backend::GateShape& shape = tested.shape;
  Reference reference(tested);
  const auto logits = logits_with_ties(shape);
  backend::Matrix<float> input(shape.tokens, shape.experts);
  input.numbers() = logits;
  pipeloom::backend::Gate<float>::Saved saved;
  const auto routing = reference.gate.forward(reference.weights.data(), input, saved);
  const auto dw = random_floats(shape.choices(), 12);
  reference.gate.input_backward(reference.weights.data(), dw, saved);
  std::vector<float> gradients(reference.weights.size());
  reference.gate.weight_backward(saved, input, gradients.data());

  const DeviceArray<float> scores(logits), weights(shape.choices()), device_dw(dw), biases(reference.biases);
  const DeviceArray<float> loads(std::vector<float>(static_cast<size_t>(shape.experts)));
  const DeviceArray<int32_t> chosen(shape.choices()), counts(shape.tokens / tested.sequence * shape.experts),
      all_counts(shape.experts);
  const DeviceArray<backend::Bf16> gradient(shape.tokens * shape.experts);
  backend::choose_experts(device_stream(), shape, scores, tested.biased ? biases.get() : nullptr, chosen, weights);
  backend::count_choices(device_stream(), shape, tested.sequence, chosen, counts);
  const backend::GateBalance balance{static_cast<float>(tested.balance_loss * Reference::kLossScale), tested.sequence,
                                     counts};
  backend::choose_experts_backward(device_stream(), shape, scores, balance, chosen, weights, device_dw, gradient);
  backend::count_choices(device_stream(), shape, shape.tokens, chosen, all_counts);
  backend::add_loads(device_stream(), all_counts, shape.experts, loads);
  EXPECT_EQ(chosen.numbers(), routing.experts);
  EXPECT_LT(relative_difference(weights.numbers(), routing.weights), 1e-5);
  EXPECT_LT(relative_difference(gradient.numbers(), saved.logits_gradient.values().numbers()), 0.004);
  if (!tested.biased) return;
  const std::vector<float> expected(gradients.end() - shape.experts, gradients.end());
  EXPECT_EQ(loads.numbers(), expected);
}

DEVICE_TEST(Gate, ChoosesAsTheReferenceTiesIncluded) {
  for (const backend::GateShape shape : {backend::GateShape{5, 1, 1, 1, 1},
                                         {9, 8, 1, 1, 2},
                                         {9, 8, 4, 2, 3},
                                         {7, 64, 8, 4, 8},
                                         {4, 256, 8, 4, 8},
                                         {3, 40, 1, 1, 40}}) {
    expect_the_references_choices({shape});
  }
}

DEVICE_TEST(Gate, SigmoidsWithBiasesAndABalanceLossAsTheReference) {
  for (const backend::GateShape shape : {backend::GateShape{5, 1, 1, 1, 1, true},
                                         {9, 8, 8, 3, 3, true, 2.5F},
                                         {9, 8, 4, 2, 3, true, 2.5F},
                                         {6, 64, 8, 4, 8, true},
                                         {4, 256, 8, 4, 8, true, 2.5F}}) {
    expect_the_references_choices({shape, 0, false, shape.tokens});
    expect_the_references_choices({shape, 0, true, shape.tokens});
    expect_the_references_choices({shape, 2, true, shape.tokens});
    if (shape.tokens % 3 == 0) expect_the_references_choices({shape, 2, true, 3});
  }
}

DEVICE_TEST(Gate, ChoosesExpertsThatExistWhateverTheLogits) {
  for (const float value : {NAN, -INFINITY, INFINITY, -NAN}) {
    const backend::GateShape shape{4, 12, 3, 2, 4, std::signbit(value)};
    const DeviceArray<float> logits(std::vector<float>(4 * 12, value)), weights(shape.choices());
    const DeviceArray<int32_t> chosen(shape.choices());
    backend::choose_experts(device_stream(), shape, logits, nullptr, chosen, weights);
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
