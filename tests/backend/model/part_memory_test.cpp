#include "backend/model/part_memory.h"

#include <gtest/gtest.h>

#include "backend/model/stage.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

constexpr int64_t kTokens = 6;

struct Case {
  const char* name;
  Model model;
  std::vector<Component> components;
  Recompute recompute = Recompute::kNone;
  Precision precision = Precision::kBf16;
  int64_t unused = 0;  // of what is planned after I: scales for experts that get no rows
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
  Job job;
  job.precision = tested.precision;
  shape.formats = formats_of(job);
  return shape;
}

StageProgram program_of(const Case& tested) {
  StageProgram program;
  for (const Component component : tested.components) program.push_back({1, component, Lane::kCompute, 1, 1, 1});
  return program;
}

Held measured(const Case& tested) {
  const int64_t before = matrix_memory().kept_bytes;
  const Stage<float> stage(tested.model, program_of(tested), shape_of(tested), plain_products<float>());
  const std::vector<float> weights(stage.size(), 0.1F);
  Flow<float> flow;
  flow.tokens.assign(kTokens, 1);
  flow.targets.assign(2, std::vector<int32_t>(kTokens, 2));
  flow.hidden = tests::random_matrix<float>(kTokens, tested.model.hidden, 1);
  std::vector<std::unique_ptr<PartRun<float>>> runs;
  for (const auto& placed : stage.parts()) {
    runs.push_back(placed.part->start());
    runs.back()->forward(placed.in(weights.data()), flow);
  }
  Held held;
  held.after_forward = matrix_memory().kept_bytes - before;
  flow.hidden = tests::random_matrix<float>(kTokens, tested.model.hidden, 2);
  for (size_t i = runs.size(); i-- > 0;) runs[i]->input_backward(stage.parts()[i].in(weights.data()), flow);
  held.after_input = matrix_memory().kept_bytes - before;
  return held;
}

Held planned(const Case& tested) {
  const Stage<float> stage(tested.model, program_of(tested), shape_of(tested), plain_products<float>());
  Held held;
  for (const auto& placed : stage.parts()) {
    const PartMemory memory =
        part_memory(placed.component, placed.layer, tested.model, shape_of(tested), kTokens, *placed.part, 1);
    held.after_forward += memory.after_forward;
    held.after_input += memory.after_input;
  }
  return held;
}

class PartMemoryOf : public testing::TestWithParam<Case> {};

TEST_P(PartMemoryOf, IsWhatARunKeeps) {
  const Held expected = planned(GetParam());
  const Held found = measured(GetParam());
  EXPECT_EQ(found.after_forward, expected.after_forward);
  EXPECT_EQ(found.after_input, expected.after_input - GetParam().unused);
}

// With full recomputation the first I of a layer holds all that its F keeps, be it an MLP's or of experts.
TEST(PartMemory, RecomputingALayerTakesAllOfIt) {
  using enum Component;
  const auto memory_of = [](const Model& model, Component component, Recompute recompute) {
    const Case tested{"", model, {component}, recompute};
    const Stage<float> stage(model, program_of(tested), shape_of(tested), plain_products<float>());
    return part_memory(component, 1, model, shape_of(tested), kTokens, *stage.parts()[0].part, 1);
  };
  const auto kept = [&](const Model& model, Component component) {
    return memory_of(model, component, Recompute::kNone).after_forward;
  };
  const auto more = [&](const Model& model, Component component) {
    return memory_of(model, component, Recompute::kFull).workspace -
           memory_of(model, component, Recompute::kNone).workspace;
  };
  const Model dense = tests::tiny_dense();
  EXPECT_EQ(more(dense, kMlp), kept(dense, kAttention) + kept(dense, kMlp));
  const Model moe = tests::tiny_moe();
  EXPECT_EQ(more(moe, kExperts), kept(moe, kAttention) + kept(moe, kRouter) + kept(moe, kExperts));
  EXPECT_EQ(more(dense, kHead), 0);
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
      {"LayerFull", tests::tiny_dense(), {kAttention, kMlp}, Recompute::kFull},
      {"MoeLayerFull", tests::tiny_moe(), {kAttention, kRouter, kDispatch, kExperts, kCombine}, Recompute::kFull},
      {"HeadFull", tests::tiny_dense(), {kHead}, Recompute::kFull},
      {"GeluMlp", tests::tiny_gpt(), {kMlp}},
      {"LocalExperts", tests::tiny_mixtral(), {kRouter, kExperts}},
      {"Moe", tests::tiny_moe(), {kRouter, kDispatch, kExperts, kCombine}},
      {"Head", tests::tiny_dense(), {kHead}},
      {"HeadFloats", tests::tiny_dense(), {kHead}, Recompute::kNone, Precision::kFp16},
      {"AttentionFp8", tests::tiny_dense(), {kAttention}, Recompute::kNone, Precision::kFp8},
      {"MlaFp8", tests::tiny_moe(), {kAttention}, Recompute::kNone, Precision::kFp8},
      {"MlaFp8Selective", tests::tiny_moe(), {kAttention}, Recompute::kSelective, Precision::kFp8},
      // All tokens choose the same three of eight experts, of whose W's factors there are two or three.
      {"MoeFp8",
       tests::tiny_moe(),
       {kRouter, kDispatch, kExperts, kCombine},
       Recompute::kNone,
       Precision::kFp8,
       5 * 4 * (2 * 5 + 12)},
      {"MoeFp8Selective",
       tests::tiny_moe(),
       {kRouter, kDispatch, kExperts, kCombine},
       Recompute::kSelective,
       Precision::kFp8,
       5 * 4 * (5 + 2 * 5 + 12)},
  };
}

INSTANTIATE_TEST_SUITE_P(, PartMemoryOf, testing::ValuesIn(cases()),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace pipeloom::backend
