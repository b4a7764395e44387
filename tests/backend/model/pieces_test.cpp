// The pieces of the maths against results that are known without them.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "backend/model/adam.h"
#include "backend/model/attention_core.h"
#include "backend/model/fixed_point.h"
#include "backend/model/gate.h"
#include "backend/model/head.h"
#include "backend/model/rms_norm.h"
#include "backend/model/rope.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

using tests::random_matrix;

TEST(RmsNorm, RowsHaveAMeanSquareOfOne) {
  ParameterBlock block;
  const RmsNorm<double> norm(block, "norm", 6, Format::kFp32);
  RmsNorm<double>::Saved saved;
  const std::vector<double> ones(6, 1.0);
  const Matrix<double> y = norm.forward(ones.data(), random_matrix<double>(4, 6, 1).view(), saved);
  for (int i = 0; i < 4; ++i) {
    EXPECT_NEAR(std::inner_product(y.row(i), y.row(i) + 6, y.row(i), 0.0), 6, 1e-4);
  }
}

TEST(Rope, ScoresDependOnTheDistanceAlone) {
  const Rope<double> rope(8, 4);
  const auto score = [&](int64_t query_position, int64_t key_position) {
    Matrix<double> query(8, 4);
    Matrix<double> key(8, 4);
    for (int j = 0; j < 4; ++j) {
      query.row(query_position)[j] = 1 + j;
      key.row(key_position)[j] = 2 - j;
    }
    rope.turn(query.view());
    rope.turn(key.view());
    return std::inner_product(query.row(query_position), query.row(query_position) + 4, key.row(key_position), 0.0);
  };
  EXPECT_NEAR(score(5, 2), score(7, 4), 1e-12);
  EXPECT_GT(std::abs(score(5, 2) - score(5, 3)), 1e-3);
}

TEST(Rope, TurnsBack) {
  const Rope<double> rope(3, 4);
  const auto before = random_matrix<double>(6, 4, 1);
  Matrix<double> head = before;
  rope.turn(head.view());
  EXPECT_GT(std::abs(head.row(1)[0] - before.row(1)[0]), 1e-3);
  EXPECT_EQ(head.row(3)[0], before.row(3)[0]);  // position 0 of the second sequence
  rope.turn_back(head.view());
  for (int64_t i = 0; i < head.size(); ++i) EXPECT_NEAR(head.numbers()[i], before.numbers()[i], 1e-15);
}

TEST(AttentionCore, LooksNeitherAheadNorIntoOtherSequences) {
  const AttentionCore<double> core({4, 2, 1, 3, 2}, plain_products<double>());
  Matrix<double> statistics;
  auto query = random_matrix<double>(8, 6, 1);
  auto key = random_matrix<double>(8, 3, 2);
  auto value = random_matrix<double>(8, 2, 3);
  const Matrix<double> before = core.forward({query.view(), key.view(), value.view()}, statistics);
  key.row(2)[1] += 1;
  value.row(2)[0] += 1;
  const Matrix<double> after = core.forward({query.view(), key.view(), value.view()}, statistics);
  for (int64_t row = 0; row < 8; ++row) {
    const bool sees = row == 2 || row == 3;
    EXPECT_EQ(std::equal(before.row(row), before.row(row) + 4, after.row(row)), !sees) << row;
  }
}

TEST(AttentionCore, EqualScoresGiveTheMean) {
  const AttentionCore<double> core({2, 1, 1, 1, 1}, plain_products<double>());
  Matrix<double> statistics;
  const Matrix<double> zero(2, 1);
  Matrix<double> value(2, 1);
  value.row(0)[0] = 3;
  value.row(1)[0] = 5;
  const Matrix<double> output = core.forward({zero.view(), zero.view(), value.view()}, statistics);
  EXPECT_NEAR(output.row(0)[0], 3, 1e-15);
  EXPECT_NEAR(output.row(1)[0], 4, 1e-15);
  EXPECT_NEAR(statistics.row(1)[0], std::log(2.0), 1e-15);
}

// A gate whose logits are its input: 6 experts, hidden 6, an identity as weights.
Routing<double> route(const std::vector<double>& logits, const MoeShape& shape,
                      const std::vector<double>& biases = {}) {
  Model model = tests::tiny_mixtral();
  model.hidden = 6;
  model.moe = shape;
  ParameterBlock block;
  const Gate<double> gate(block, model, {}, plain_products<double>());
  std::vector<double> identity(36);
  for (int i = 0; i < 6; ++i) identity[7 * i] = 1;
  identity.insert(identity.end(), biases.begin(), biases.end());
  Matrix<double> input(1, 6);
  input.numbers() = logits;
  Gate<double>::Saved saved;
  return gate.forward(identity.data(), input, saved);
}

using Experts6 = std::vector<int32_t>;

TEST(Gate, TakesTheLargestAndOfEqualsTheFirst) {
  EXPECT_EQ(route({0, 3, 1, 2, 3, 0}, {.routed_experts = 6, .experts_per_token = 3}).experts, (Experts6{1, 3, 4}));
  EXPECT_EQ(route({1, 1, 1, 1, 1, 1}, {.routed_experts = 6, .experts_per_token = 2}).experts, (Experts6{0, 1}));
}

TEST(Gate, StaysInTheBestGroups) {
  const MoeShape shape{.routed_experts = 6, .experts_per_token = 2, .groups = 3, .groups_per_token = 1};
  EXPECT_EQ(route({4, 4, 5, 0, 1, 1}, shape).experts, (Experts6{2, 3}));
}

TEST(Gate, WeighsByTheSoftmaxOfTheChosen) {
  const auto routing = route({std::log(3.0), 0, -9, -9, -9, -9}, {.routed_experts = 6, .experts_per_token = 2});
  EXPECT_NEAR(routing.weights[0], 0.75, 1e-15);
  EXPECT_NEAR(routing.weights[1], 0.25, 1e-15);
}

MoeShape sigmoid_gate(int experts_per_token, int groups, int groups_per_token) {
  return {.routed_experts = 6,
          .experts_per_token = experts_per_token,
          .groups = groups,
          .groups_per_token = groups_per_token,
          .gate = GateScore::kSigmoid};
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

// DeepSeek-V3, equation 13, times the published factor.
TEST(Gate, SigmoidsAreWeighedByTheirSum) {
  MoeShape shape = sigmoid_gate(2, 1, 1);
  shape.gate_scale = 2.5;
  const auto routing = route({1, -1, -9, -9, -9, -9}, shape);
  EXPECT_EQ(routing.experts, (Experts6{0, 1}));
  EXPECT_NEAR(routing.weights[0], 2.5 * sigmoid(1) / (sigmoid(1) + sigmoid(-1)), 1e-15);
  EXPECT_NEAR(routing.weights[0] + routing.weights[1], 2.5, 1e-15);
}

// The group of the best expert is not the one whose two best are best together.
TEST(Gate, WithSigmoidsTheBestTwoOfAGroupCount) {
  EXPECT_EQ(route({5, -5, 2, 2, 0, 0}, sigmoid_gate(2, 3, 1)).experts, (Experts6{2, 3}));
}

TEST(Gate, BiasesChooseButDoNotWeigh) {
  MoeShape shape = sigmoid_gate(2, 1, 1);
  shape.bias_step = 1e-3;
  const auto routing = route({1, 1, -1, -1, -1, -1}, shape, {0, -1, 0, 0, 1, 0});
  EXPECT_EQ(routing.experts, (Experts6{0, 4}));
  EXPECT_NEAR(routing.weights[1], sigmoid(-1) / (sigmoid(1) + sigmoid(-1)), 1e-15);
}

TEST(Head, KnowingNothingCostsTheLogarithmOfTheVocabulary) {
  Model model = tests::tiny_dense();
  ParameterBlock block;
  const Head<double> head(block, model, 1, {}, plain_products<double>());
  const std::vector<double> zero(block.size());
  const std::vector<double> logits(int64_t{model.hidden} * model.vocabulary);
  Head<double>::Saved saved;
  const std::vector<int32_t> targets = {5, 7, 127};
  EXPECT_NEAR(head.forward(zero.data(), logits.data(), random_matrix<double>(3, model.hidden, 1), targets, saved),
              3 * std::log(model.vocabulary), 1e-12);
}

TEST(Adam, TheFirstStepIsTheLearningRateAgainstTheSign) {
  std::vector<float> weights = {1, 1, 1};
  std::vector<float> first(3);
  std::vector<float> second(3);
  const AdamOptions options{.learning_rate = 0.25};
  adam_step(options, 1, std::vector<float>{8, -0.5F, 0}, {weights, first, second});
  EXPECT_EQ(weights, (std::vector<float>{0.75F, 1.25F, 1}));
}

TEST(Adam, FollowsItsAlgorithm) {
  std::vector<float> weights = {2};
  std::vector<float> first = {0.5F};
  std::vector<float> second = {0.25F};
  const AdamOptions options{
      .learning_rate = 0.1, .first_decay = 0.5, .second_decay = 0.75, .epsilon = 1, .weight_decay = 0.5};
  adam_step(options, 2, std::vector<float>{1}, {weights, first, second});
  EXPECT_FLOAT_EQ(first[0], 0.75F);
  EXPECT_FLOAT_EQ(second[0], 0.4375F);
  // 0.75 / (1 - 0.5^2) = 1; 0.4375 / (1 - 0.75^2) = 1; 2 - 0.1 * (1 / (1 + 1) + 0.5 * 2)
  EXPECT_FLOAT_EQ(weights[0], 1.85F);
}

TEST(FixedPoint, SumsDoNotDependOnTheOrder) {
  std::vector<std::vector<float>> parts;
  for (int i = 0; i < 50; ++i) {
    std::vector<float> part;
    for (const double number : tests::random_numbers(20, i)) part.push_back(static_cast<float>(number));
    parts.push_back(part);
  }
  const auto sum = [&] {
    std::vector<int64_t> sums(20);
    for (const auto& part : parts) EXPECT_TRUE(add_fixed(part, 50, sums).has_value());
    return sums;
  };
  const std::vector<int64_t> forward = sum();
  std::reverse(parts.begin(), parts.end());
  EXPECT_EQ(sum(), forward);
  double exact = 0;
  for (const auto& part : parts) exact += static_cast<double>(part[3]);
  EXPECT_NEAR(from_fixed(forward[3]), exact, 1e-6);
}

TEST(FixedPoint, RefusesWhatCouldOverflow) {
  std::vector<int64_t> sums(1);
  const float limit = 4'194'304;  // 2^22
  EXPECT_TRUE(add_fixed(std::vector<float>{limit}, 1, sums).has_value());
  EXPECT_FALSE(add_fixed(std::vector<float>{limit}, 2, sums).has_value());
  EXPECT_EQ(add_fixed(std::vector<float>{NAN}, 2, sums).error().message,
            "a gradient is nan; in check mode a sum of 2 holds from -2.097e+06 to 2.097e+06 each");
  EXPECT_FALSE(add_fixed(std::vector<float>{-INFINITY}, 1, sums).has_value());
}

}  // namespace
}  // namespace pipeloom::backend
