#include "backend/model/chunk_state.h"

#include <gtest/gtest.h>

#include <cstring>
#include <span>

#include "backend/model/low_precision.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

// One MLP for one micro-batch.
struct Subject {
  explicit Subject(Sums sums, bool weight_pass = true)
      : model(tests::tiny_dense()),
        stage(model, {{0, Component::kMlp, Lane::kCompute, 1, 1, weight_pass ? 1 : 0}}, {}, plain_products<float>()),
        state(stage, sums, 4, 1) {}

  void forward_and_input() {
    Flow<float> flow;
    flow.hidden = tests::random_matrix<float>(3, model.hidden, 1);
    run = stage.parts()[0].part->start();
    state.forward(0, *run, flow);
    flow.hidden = tests::random_matrix<float>(3, model.hidden, 2);
    ASSERT_TRUE(state.input_backward(0, *run, flow).has_value());
  }
  void all_passes() {
    forward_and_input();
    if (stage.parts()[0].weight_pass) {
      ASSERT_TRUE(state.weight_backward(0, *run).has_value());
    }
  }
  std::vector<float> gradients_by_hand() const {
    std::vector<float> gradients(stage.size());
    run->weight_backward(0, stage.parts()[0].in(gradients.data()));
    return gradients;
  }
  std::vector<float> sums() const {
    const std::vector<std::byte> bytes = state.sums_of(0, stage.size());
    std::vector<float> numbers(stage.size());
    std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
  }

  Model model;
  Stage<float> stage;
  ChunkState state;
  std::unique_ptr<PartRun<float>> run;
};

TEST(ChunkState, AddsTheGradientOfEachMicroBatchOnce) {
  Subject subject(Sums::kFloat);
  subject.all_passes();
  EXPECT_EQ(subject.sums(), subject.gradients_by_hand());
  const std::vector<float> once = subject.sums();
  subject.all_passes();
  const std::vector<float> twice = subject.sums();
  for (size_t i = 0; i < once.size(); ++i) EXPECT_NEAR(twice[i], 2 * once[i], 1e-6);
}

TEST(ChunkState, LeavesWToItsOwnPass) {
  Subject subject(Sums::kFloat);
  subject.forward_and_input();
  EXPECT_EQ(subject.sums(), std::vector<float>(subject.stage.size()));
}

TEST(ChunkState, DoesWInIWhereTheProgramHasNone) {
  Subject subject(Sums::kFloat, false);
  subject.all_passes();
  EXPECT_EQ(subject.sums(), subject.gradients_by_hand());
}

TEST(ChunkState, FixedPointSumsMoveTheWeightsAsFloatSumsDo) {
  Subject fixed(Sums::kFixedPoint);
  Subject floating(Sums::kFloat);
  for (Subject* subject : {&fixed, &floating}) {
    subject->all_passes();
    const NumberRange all{0, subject->stage.size()};
    subject->state.own_moments(std::span(&all, 1), Format::kFp32);
    subject->state.optimize({}, {}, 1, 1.0, 0);
  }
  for (int64_t i = 0; i < fixed.stage.size(); ++i) {
    EXPECT_NEAR(fixed.state.weights()[i], floating.state.weights()[i], 1e-6);
  }
}

TEST(ChunkState, SumsOfReplicasAreAdded) {
  Subject subject(Sums::kFixedPoint);
  subject.all_passes();
  const auto own = subject.state.sums_of(5, 7);
  subject.state.set_sums(5, 7, {own, own, own});
  const auto three = subject.state.sums_of(5, 7);
  subject.state.set_sums(5, 7, {own});
  for (int i = 0; i < 2; ++i) subject.all_passes();
  EXPECT_EQ(subject.state.sums_of(5, 7), three);
}

TEST(ChunkState, OptimizesItsPartAlone) {
  Subject subject(Sums::kFloat);
  subject.all_passes();
  const std::vector<float> before(subject.state.weights().begin(), subject.state.weights().end());
  const NumberRange part{10, 5};
  subject.state.own_moments(std::span(&part, 1), Format::kFp32);
  subject.state.optimize({}, {}, 1, 1.0, 0);
  for (int64_t i = 0; i < subject.stage.size(); ++i) {
    EXPECT_EQ(subject.state.weights()[i] != before[i], i >= 10 && i < 15) << i;
  }
}

TEST(ChunkState, KeepsMomentsInTheirFormat) {
  Subject subject(Sums::kFloat);
  subject.all_passes();
  const NumberRange all{0, subject.stage.size()};
  subject.state.own_moments(std::span(&all, 1), Format::kBf16);
  subject.state.optimize({.first_decay = 0.5}, {}, 1, 1.0, 0);
  Moments& moments = subject.state.moments().at(0);
  EXPECT_EQ(moments.bytes().size(), static_cast<size_t>(subject.stage.size()) * 4);
  const std::vector<float> gradients = subject.gradients_by_hand();
  for (size_t i = 0; i < gradients.size(); ++i) {
    EXPECT_EQ(moments.first()[i], rounded(gradients[i] / 2, kBf16Format)) << i;
  }
}

// Eight experts of which the first gets everything: its bias falls, the others' rise, and no gate's norm counts loads.
TEST(ChunkState, BiasesFollowTheLoads) {
  Model model = tests::tiny_moe();
  model.moe->gate = GateScore::kSigmoid;
  model.moe->bias_step = 0.25;
  const Stage<float> stage(model, {{1, Component::kRouter, Lane::kCompute, 1, 1, 1}}, {}, plain_products<float>());
  for (const Sums sums : {Sums::kFloat, Sums::kFixedPoint}) {
    ChunkState state(stage, sums, 1, 1);
    const NumberRange all{0, stage.size()};
    state.own_moments(std::span(&all, 1), Format::kFp32);
    Flow<float> flow;
    flow.hidden = tests::random_matrix<float>(4, model.hidden, 1);
    const auto run = stage.parts()[0].part->start();
    state.forward(0, *run, flow);
    std::vector<int> loads(8);
    for (const int32_t expert : flow.routing.experts) ++loads[expert];
    flow.hidden = Matrix<float>(4, model.hidden);
    flow.normed = Matrix<float>(4, model.hidden);
    flow.routing.weights.assign(flow.routing.weights.size(), 0.0F);
    ASSERT_TRUE(state.input_backward(0, *run, flow).has_value());
    ASSERT_TRUE(state.weight_backward(0, *run).has_value());
    SquareSum squares;
    ASSERT_TRUE(state.add_squares(0, stage.size(), squares).has_value());
    EXPECT_EQ(squares.norm(), 0);
    state.optimize({.weight_decay = 0.5}, {0.25, 1.5}, 1, 1.0, 0);
    const StageParameter& bias = stage.parameters().back();
    ASSERT_EQ(bias.name, "layer1.router.bias");
    for (int expert = 0; expert < 8; ++expert) {
      EXPECT_EQ(state.weights()[bias.offset + expert], loads[expert] > 1.5 ? -0.25F : 0.25F) << expert;
    }
    // Weights decay, biases don't.
    state.optimize({.weight_decay = 0.5}, {0.25, 1.5}, 2, 1.0, 0);
    for (int expert = 0; expert < 8; ++expert) {
      EXPECT_EQ(state.weights()[bias.offset + expert], loads[expert] > 1.5 ? -0.5F : 0.5F) << expert;
    }
  }
}

TEST(ChunkState, AveragesKeepTheShareOfTheDecay) {
  Subject subject(Sums::kFloat);
  const NumberRange part{2, 5};
  subject.state.own_moments(std::span(&part, 1), Format::kFp32);
  subject.state.own_averages();
  const std::vector<float> before(subject.state.weights().begin() + 2, subject.state.weights().begin() + 7);
  ASSERT_EQ(subject.state.averages(), std::vector<std::vector<float>>(1, before));
  for (float& weight : subject.state.weights()) weight += 1;
  subject.state.update_averages(0.75);
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(subject.state.averages()[0][i], before[i] + 0.25, 1e-6);
  }
}

TEST(ChunkState, InitialWeightsFollowTheSeedAndTheName) {
  const Subject subject(Sums::kFloat);
  const ChunkState same(subject.stage, Sums::kFloat, 4, 1);
  const ChunkState other(subject.stage, Sums::kFloat, 4, 2);
  const StageParameter& up = subject.stage.parameters().at(1);
  ASSERT_EQ(up.name, "layer0.mlp.up");
  EXPECT_EQ(subject.state.weights()[up.offset], same.weights()[up.offset]);
  EXPECT_NE(subject.state.weights()[up.offset], other.weights()[up.offset]);
  double squares = 0;
  for (int64_t i = 0; i < up.parameter.size(); ++i) {
    const double weight = same.weights()[up.offset + i];
    squares += weight * weight;
  }
  const double expected = up.parameter.deviation * up.parameter.deviation;
  EXPECT_NEAR(squares / static_cast<double>(up.parameter.size()), expected, 0.3 * expected);
}

}  // namespace
}  // namespace pipeloom::backend
