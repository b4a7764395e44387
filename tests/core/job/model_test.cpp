#include "core/job/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/support/models.h"

namespace pipeloom {
namespace {

TEST(Model, AcceptsThePublishedOnes) {
  for (const Model& model :
       {tests::gpt3_175b(), tests::llama2_7b(), tests::llama3_405b(), tests::mixtral_8x7b(), tests::deepseek_v3()}) {
    const auto again = make_model(model);
    ASSERT_TRUE(again.has_value()) << again.error().message;
    EXPECT_EQ(*again, model);
  }
}

TEST(Model, FillsHeadSizes) {
  EXPECT_EQ(tests::llama2_7b().attention.head_dim, 128);
  EXPECT_EQ(tests::llama2_7b().attention.value_dim, 128);
}

struct Bad {
  std::function<void(Model&)> change;
  const char* message;
};

TEST(Model, RefusesEachIllegalFieldAlone) {
  const std::vector<Bad> bad = {
      {[](Model& m) { m.layers = 0; }, "model.layers is 0; allowed are 1 to 10000"},
      {[](Model& m) { m.layers = -3; }, "model.layers is -3; allowed are 1 to 10000"},
      {[](Model& m) { m.hidden = 0; }, "model.hidden is 0; allowed are 1 to 10000000"},
      {[](Model& m) { m.intermediate = 0; }, "model.intermediate is 0; allowed are 1 to 10000000"},
      {[](Model& m) { m.vocabulary = 0; }, "model.vocabulary is 0; allowed are 1 to 100000000"},
      {[](Model& m) { m.learned_positions = -1; }, "model.learned_positions is -1; allowed are 0 to 100000000"},
      {[](Model& m) { m.mtp_depth = -1; }, "model.mtp_depth is -1; allowed are 0 to 100"},
      {[](Model& m) { m.attention.heads = 0; }, "model.attention.heads is 0; allowed are 1 to 100000"},
      {[](Model& m) { m.attention.kv_heads = 3; },
       "model.attention.kv_heads is 3; it must divide model.attention.heads (128)"},
      {[](Model& m) { m.attention.kv_heads = 129; }, "model.attention.kv_heads is 129; allowed are 1 to 128"},
      {[](Model& m) { m.attention.head_dim = -1; }, "model.attention.head_dim is -1; allowed are 1 to 65536"},
      {[](Model& m) { m.attention.value_dim = -1; }, "model.attention.value_dim is -1; allowed are 1 to 65536"},
      {[](Model& m) { m.attention.kv_lora_rank = -1; },
       "model.attention.kv_lora_rank is -1; allowed are 0 to 10000000"},
      {[](Model& m) { m.attention.kv_lora_rank = 0; },
       "model.attention.q_lora_rank is 1536; allowed are 0 to 0 (model.attention.kv_lora_rank is 0: not MLA)"},
      {[](Model& m) { m.moe->routed_experts = 0; }, "model.moe.routed_experts is 0; allowed are 1 to 100000"},
      {[](Model& m) { m.moe->shared_experts = -1; }, "model.moe.shared_experts is -1; allowed are 0 to 1000"},
      {[](Model& m) { m.moe->experts_per_token = 257; }, "model.moe.experts_per_token is 257; allowed are 1 to 256"},
      {[](Model& m) { m.moe->experts_per_token = 129; },
       "model.moe.experts_per_token is 129; model.moe.groups_per_token (4) lets a token reach 128"},
      {[](Model& m) { m.moe->intermediate = 0; }, "model.moe.intermediate is 0; allowed are 1 to 10000000"},
      {[](Model& m) { m.moe->groups = 7; }, "model.moe.groups is 7; it must divide model.moe.routed_experts (256)"},
      {[](Model& m) { m.moe->groups_per_token = 9; }, "model.moe.groups_per_token is 9; allowed are 1 to 8"},
      {[](Model& m) { m.moe->first_dense_layers = 61; }, "model.moe.first_dense_layers is 61; allowed are 0 to 60"},
      {[](Model& m) {
         m.moe->intermediate = 1'000'000;
         m.hidden = 1'000'000;
       },
       "the model has up to 4.78e+16 parameters; allowed are 1e+15"},
      {[](Model& m) { m.moe->gate_scale = 0; }, "model.moe.gate_scale is 0; allowed are 1e-06 to 1000000"},
      {[](Model& m) {
         m.moe->gate = GateScore::kSoftmax;
         m.moe->bias_step = 0.5;
       },
       "model.moe.bias_step is 0.5; allowed are 0 to 0"},
      {[](Model& m) {
         m.moe->gate = GateScore::kSoftmax;
         m.moe->balance_loss = 0.5;
       },
       "model.moe.balance_loss is 0.5; allowed are 0 to 0"},
      {[](Model& m) { m.mtp_loss_weight = -1; }, "model.mtp_loss_weight is -1; allowed are 0 to 1000000"},
      {[](Model& m) { m.moe->layer_step = 0; }, "model.moe.layer_step is 0; allowed are 1 to 61"},
  };
  for (const Bad& one : bad) {
    Model model = tests::deepseek_v3();
    one.change(model);
    const auto result = make_model(model);
    ASSERT_FALSE(result.has_value()) << one.message;
    EXPECT_EQ(result.error().message, one.message);
  }
}

}  // namespace
}  // namespace pipeloom
