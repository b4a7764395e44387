#include "sim/cost/parameter_count.h"

#include <gtest/gtest.h>

#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

void expect_near_percent(int64_t count, double published, double percent) {
  const auto actual = static_cast<double>(count);
  EXPECT_NEAR(actual, published, published * percent / 100);
}

// 0.5 %: what rounding to the printed digits leaves, at most.
TEST(Parameters, TotalsArePublishedOnes) {
  expect_near_percent(total_parameters(tests::gpt3_175b()), 175e9, 0.5);
  expect_near_percent(total_parameters(tests::llama2_7b()), 6.74e9, 0.5);
  expect_near_percent(total_parameters(tests::llama3_405b()), 405e9, 0.5);
  expect_near_percent(total_parameters(tests::mixtral_8x7b()), 46.7e9, 0.5);
  expect_near_percent(total_parameters(tests::deepseek_v3()), 671e9, 0.5);
}

TEST(Parameters, ActiveOnesArePublishedOnes) {
  expect_near_percent(active_parameters(tests::mixtral_8x7b()), 12.9e9, 1.5);  // 12.9 counts the embedding (0.13) too
  expect_near_percent(active_parameters(tests::deepseek_v3()), 36.6e9, 0.5);   // README_WEIGHTS.md of the release
}

// README_WEIGHTS.md: 11.5 B without the shared embedding and head, a MoE layer of 11.5 plus the projection's 0.1.
TEST(Parameters, MtpModuleIsThePublishedOne) {
  expect_near_percent(mtp_parameters(tests::deepseek_v3()).total(), 11.5e9, 1.0);
}

TEST(Parameters, DeepSeekV3Parts) {
  const Model model = tests::deepseek_v3();
  expect_near_percent(attention_parameters(model), 187.1e6, 0.1);  // docs/research/costs.md, section 1
  EXPECT_EQ(mlp_parameters(model, 2048), 3 * 7168 * 2048);
  EXPECT_EQ(layer_parameters(model, 2).routed, 0);
  EXPECT_EQ(layer_parameters(model, 3).routed, int64_t{256} * 3 * 7168 * 2048);
}

TEST(Parameters, TiedHeadCountsOnceInTheTotal) {
  Model model = tests::llama2_7b();
  const int64_t untied = total_parameters(model);
  model.tied_embedding = true;
  EXPECT_EQ(untied - total_parameters(model), int64_t{4096} * 32000);
}

}  // namespace
}  // namespace pipeloom::sim
