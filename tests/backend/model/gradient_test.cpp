// I and W of every component against numerical differentiation of F, in double precision.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "backend/model/stage.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

using tests::random_numbers;

constexpr int64_t kSequence = 5;
constexpr int64_t kTokens = 2 * kSequence;
// Central differences over 1e-5: about 1e-10 of the third derivative, and 1e-11 of rounding.
constexpr double kStep = 1e-5;
constexpr double kTolerance = 2e-8;

struct Case {
  const char* name;
  Model model;
  StageProgram program;
  Recompute recompute = Recompute::kNone;
};

ComponentCost component(int layer, Component component) {
  return {layer, component, Lane::kCompute, 1, 1, 1};
}

// Runs F; the loss is the head's, or a weighted sum of what leaves the stage.
class Subject {
 public:
  explicit Subject(const Case& tested)
      : stage_(tested.model, tested.program, shape(tested), plain_products<double>()),
        ends_in_head_(stage_.has(Component::kHead)),
        weights_(random_numbers(stage_.size(), 1)),
        hidden_(tests::random_matrix<double>(kTokens, tested.model.hidden, 2)),
        output_weights_(tests::random_matrix<double>(kTokens, tested.model.hidden, 3)) {}

  double loss() {
    runs_.clear();
    flow_ = {};
    for (int i = 0; i < kTokens; ++i) {
      flow_.tokens.push_back(i * 7 % 5);
    }
    for (int ahead = 0; ahead < 3; ++ahead) {
      auto& targets = flow_.targets.emplace_back();
      for (int i = 0; i < kTokens; ++i) targets.push_back((i + ahead) * 3 % 4);
    }
    flow_.hidden = hidden_;
    for (const auto& placed : stage_.parts()) {
      runs_.push_back(placed.part->start());
      runs_.back()->forward(placed.in(std::as_const(weights_).data()), flow_);
    }
    if (ends_in_head_) return (flow_.loss + flow_.further_loss) * kLossScale;
    double sum = flow_.further_loss * kLossScale;
    for (int64_t i = 0; i < flow_.hidden.size(); ++i) sum += flow_.hidden.numbers()[i] * output_weights_.numbers()[i];
    return sum;
  }

  // After loss(): gradients of the input and of the weights.
  std::pair<std::vector<double>, std::vector<double>> backward() {
    flow_.hidden = ends_in_head_ ? Matrix<double>() : output_weights_;
    std::vector<double> gradients(stage_.size());
    for (size_t i = runs_.size(); i-- > 0;) {
      const auto& placed = stage_.parts()[i];
      runs_[i]->input_backward(placed.in(std::as_const(weights_).data()), flow_);
      for (int piece = 0; piece < runs_[i]->weight_pieces(); ++piece) {
        runs_[i]->weight_backward(piece, placed.in(gradients.data()));
      }
    }
    return {flow_.hidden.numbers(), gradients};
  }

  double slope(double& number) {
    const double before = number;
    number = before + kStep;
    const double above = loss();
    number = before - kStep;
    const double below = loss();
    number = before;
    return (above - below) / (2 * kStep);
  }

  std::vector<double>& weights() { return weights_; }
  std::vector<double>& hidden() { return hidden_.numbers(); }
  const Stage<double>& stage() const { return stage_; }

 private:
  static constexpr double kLossScale = 0.25;
  static PartShape shape(const Case& tested) {
    PartShape shape;
    shape.sequence = kSequence;
    shape.loss_scale = kLossScale;
    shape.recompute = tested.recompute;
    return shape;
  }

  Stage<double> stage_;
  bool ends_in_head_;
  std::vector<double> weights_;
  Matrix<double> hidden_;
  Matrix<double> output_weights_;
  Flow<double> flow_;
  std::vector<std::unique_ptr<PartRun<double>>> runs_;
};

class Gradient : public testing::TestWithParam<Case> {};

TEST_P(Gradient, OfTheInputIsTheSlope) {
  Subject subject(GetParam());
  subject.loss();
  const std::vector<double> gradient = subject.backward().first;
  // Tokens have none.
  ASSERT_EQ(gradient.size(), subject.stage().has(Component::kEmbed) ? 0 : subject.hidden().size());
  for (size_t i = 0; i < gradient.size(); ++i) {
    const double slope = subject.slope(subject.hidden()[i]);
    ASSERT_NEAR(gradient[i], slope, kTolerance * std::max(1.0, std::abs(slope))) << "number " << i;
  }
}

TEST_P(Gradient, OfEveryWeightIsTheSlope) {
  Subject subject(GetParam());
  subject.loss();
  const std::vector<double> gradients = subject.backward().second;
  for (const StageParameter& parameter : subject.stage().parameters()) {
    double largest = 0;
    for (int64_t i = 0; i < parameter.parameter.size(); ++i) {
      const int64_t place = parameter.offset + i;
      const double slope = subject.slope(subject.weights()[place]);
      largest = std::max(largest, std::abs(slope));
      ASSERT_NEAR(gradients[place], slope, kTolerance * std::max(1.0, std::abs(slope))) << parameter.name << " " << i;
    }
    EXPECT_GT(largest, 1e-4) << parameter.name << " has no influence: nothing was tested";
  }
}

// A small cut of a model: numerical differentiation is quadratic in its size.
Model cut(Model model) {
  model.vocabulary = 6;
  return model;
}

Model with_mtp_modules() {
  Model model = cut(tests::tiny_dense());
  model.mtp_depth = 2;
  return model;
}

Model with_sigmoid_gate() {
  Model model = cut(tests::tiny_moe());
  model.moe->gate = GateScore::kSigmoid;
  model.moe->gate_scale = 2.5;
  model.moe->balance_loss = 0.5;
  return model;
}

Model without_query_compression() {
  Model model = cut(tests::tiny_moe());
  model.attention.q_lora_rank = 0;
  return model;
}

std::vector<Case> cases() {
  const auto attention = [](Model model, Recompute recompute = Recompute::kNone) {
    return Case{"", cut(std::move(model)), {component(0, Component::kAttention)}, recompute};
  };
  const auto named = [](const char* name, Case tested) {
    tested.name = name;
    return tested;
  };
  const StageProgram mtp = {component(-1, Component::kEmbed), component(8, Component::kHead),
                            component(9, Component::kEmbed),  component(9, Component::kMlp),
                            component(9, Component::kHead),   component(10, Component::kEmbed),
                            component(10, Component::kMlp),   component(10, Component::kHead)};
  const StageProgram mlp = {component(0, Component::kMlp)};
  const StageProgram local_moe = {component(1, Component::kRouter), component(1, Component::kExperts)};
  const StageProgram moe = {component(1, Component::kRouter), component(1, Component::kDispatch),
                            component(1, Component::kExperts), component(1, Component::kCombine)};
  const auto with_attention = [](StageProgram program) {
    program.insert(program.begin(), component(1, Component::kAttention));
    return program;
  };
  return {
      named("GroupedQueryAttention", attention(tests::tiny_dense())),
      named("AttentionWithLearnedPositions", attention(tests::tiny_gpt())),
      named("Mla", attention(tests::tiny_moe())),
      named("MlaRecomputed", attention(tests::tiny_moe(), Recompute::kFull)),
      named("MlaSelective", attention(tests::tiny_moe(), Recompute::kSelective)),
      named("AttentionSelective", attention(tests::tiny_dense(), Recompute::kSelective)),
      named("MlaWithoutQueryCompression", attention(without_query_compression())),
      {"SwigluMlp", cut(tests::tiny_dense()), mlp},
      {"GeluMlp", cut(tests::tiny_gpt()), mlp},
      {"SharedAndGroupedExperts", cut(tests::tiny_moe()), moe},
      {"MtpModules", with_mtp_modules(), mtp},
      {"MtpModulesSelective", with_mtp_modules(), mtp, Recompute::kSelective},
      {"SigmoidGate", with_sigmoid_gate(), moe},
      {"SigmoidGateSelective", with_sigmoid_gate(), moe, Recompute::kSelective},
      {"RoutedExpertsAlone", cut(tests::tiny_mixtral()), local_moe},
      {"LayerRecomputed", cut(tests::tiny_moe()), with_attention(local_moe), Recompute::kFull},
      {"LayerRecomputedWithDispatch", cut(tests::tiny_moe()), with_attention(moe), Recompute::kFull},
      {"Head", cut(tests::tiny_dense()), {component(8, Component::kHead)}},
      {"EmbeddingWithPositions", cut(tests::tiny_gpt()), {component(-1, Component::kEmbed)}},
      {"EmbeddingToHead",
       cut(tests::tiny_dense()),
       {component(-1, Component::kEmbed), component(0, Component::kAttention), component(0, Component::kMlp),
        component(8, Component::kHead)}},
  };
}

INSTANTIATE_TEST_SUITE_P(, Gradient, testing::ValuesIn(cases()),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace pipeloom::backend
