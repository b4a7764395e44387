#include "backend/model/part_memory.h"

#include <gtest/gtest.h>

#include "backend/model/stage.h"
#include "tests/backend/support.h"

namespace pipeloom {
namespace {

constexpr int64_t kTokens = 6;

struct Case {
  const char* name;
  Model model;
  std::vector<Component> components;
  Recompute recompute = Recompute::kNone;
};

// Bytes that the parts of a stage hold after all of F, and after all of I.
struct Held {
  int64_t after_forward = 0;
  int64_t after_input = 0;
};

PartShape shape_of(const Case& tested) {
  PartShape shape;
  shape.sequence = 3;
  shape.recompute = tested.recompute;
  return shape;
}

StageProgram program_of(const Case& tested) {
  StageProgram program;
  for (const Component component : tested.components) program.push_back({1, component, Lane::kCompute, 1, 1, 1});
  return program;
}

int64_t bytes_of(const Flow<float>& flow) {
  int64_t numbers = flow.hidden.size() + flow.normed.size();
  for (const ExpertRows<float>& rows : flow.rows) numbers += rows.rows.size();
  return numbers * int64_t{sizeof(float)};
}

Held measured(const Case& tested) {
  const int64_t before = matrix_memory().bytes;
  const Stage<float> stage(tested.model, program_of(tested), shape_of(tested), plain_products<float>());
  const std::vector<float> weights(stage.size(), 0.1F);
  Flow<float> flow;
  flow.tokens.assign(kTokens, 1);
  flow.targets.assign(kTokens, 2);
  flow.hidden = tests::random_matrix<float>(kTokens, tested.model.hidden, 1);
  std::vector<std::unique_ptr<PartRun<float>>> runs;
  for (const auto& placed : stage.parts()) {
    runs.push_back(placed.part->start());
    runs.back()->forward(placed.in(weights.data()), flow);
  }
  Held held;
  held.after_forward = matrix_memory().bytes - before - bytes_of(flow);
  flow.hidden = tests::random_matrix<float>(kTokens, tested.model.hidden, 2);
  for (size_t i = runs.size(); i-- > 0;) runs[i]->input_backward(stage.parts()[i].in(weights.data()), flow);
  held.after_input = matrix_memory().bytes - before - bytes_of(flow);
  return held;
}

Held planned(const Case& tested) {
  const Stage<float> stage(tested.model, program_of(tested), shape_of(tested), plain_products<float>());
  const bool with_exchange = std::ranges::count(tested.components, Component::kDispatch) == 0;
  Held held;
  for (const auto& placed : stage.parts()) {
    const PartMemory memory =
        part_memory(placed.component, tested.model, shape_of(tested), kTokens, with_exchange, *placed.part, 1);
    held.after_forward += memory.after_forward * int64_t{sizeof(float)};
    held.after_input += memory.after_input * int64_t{sizeof(float)};
  }
  return held;
}

class PartMemoryOf : public testing::TestWithParam<Case> {};

// What is planned has one number more for each row of a norm, which no matrix holds.
TEST_P(PartMemoryOf, IsWhatTheMatricesOfARunHold) {
  const Held expected = planned(GetParam());
  const Held found = measured(GetParam());
  const int64_t norms = 3 * kTokens * int64_t{sizeof(float)};
  EXPECT_LE(found.after_forward, expected.after_forward);
  EXPECT_GE(found.after_forward, expected.after_forward - norms);
  EXPECT_LE(found.after_input, expected.after_input);
  EXPECT_GE(found.after_input, expected.after_input - norms);
}

std::vector<Case> cases() {
  using enum Component;
  return {
      {"Embed", tests::tiny_gpt(), {kEmbed}},
      {"Attention", tests::tiny_dense(), {kAttention}},
      {"Mla", tests::tiny_moe(), {kAttention}},
      {"AttentionSelective", tests::tiny_dense(), {kAttention}, Recompute::kSelective},
      {"MlaSelective", tests::tiny_moe(), {kAttention}, Recompute::kSelective},
      {"MlpSelective", tests::tiny_dense(), {kMlp}, Recompute::kSelective},
      {"MoeSelective", tests::tiny_moe(), {kRouter, kDispatch, kExperts, kCombine}, Recompute::kSelective},
      {"SwigluMlp", tests::tiny_dense(), {kMlp}},
      {"GeluMlp", tests::tiny_gpt(), {kMlp}},
      {"LocalExperts", tests::tiny_mixtral(), {kRouter, kExperts}},
      {"Moe", tests::tiny_moe(), {kRouter, kDispatch, kExperts, kCombine}},
      {"Head", tests::tiny_dense(), {kHead}},
  };
}

INSTANTIATE_TEST_SUITE_P(, PartMemoryOf, testing::ValuesIn(cases()),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace pipeloom
