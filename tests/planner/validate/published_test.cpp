// What was published of runs, in the samples' references, against the predictions: with `pipeloom validate`'s own
// output.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/planner/cli/run_command.h"

namespace pipeloom::tests {
namespace {

class Published : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { references_ = run_command("validate --json").json()["references"]; }

  // Of every reference whose quantity is one of `names` and whose job's name contains `job`.
  static void expect_within(double tolerance, const std::string& job, const std::vector<std::string>& names,
                            size_t count) {
    size_t seen = 0;
    for (const auto& row : references_) {
      const bool wanted = std::find(names.begin(), names.end(), row["name"].get<std::string>()) != names.end();
      if (!wanted || row["job"].get<std::string>().find(job) == std::string::npos) continue;
      ++seen;
      EXPECT_LT(std::abs(row["error"].get<double>()), tolerance) << row.dump();
    }
    EXPECT_EQ(seen, count);
  }

  static nlohmann::json references_;
};
nlohmann::json Published::references_;

TEST_F(Published, ParameterCounts) {
  expect_within(0.005, "", {"parameters_1e9"}, 10);
  expect_within(0.025, "", {"active_parameters_1e9"}, 4);
}

TEST_F(Published, FlopsPerToken) {
  expect_within(0.04, "", {"flops_per_token_1e9"}, 2);
}

// Nothing is fitted to the chunk.
TEST_F(Published, ComputeOfDeepSeekV3sChunk) {
  expect_within(0.15, "DeepSeek-V3",
                {"attention_f_us", "attention_i_us", "attention_w_us", "experts_f_us", "experts_i_us", "experts_w_us"},
                6);
  expect_within(0.09, "DeepSeek-V3", {"layer_compute_us"}, 1);
}

TEST_F(Published, PayloadsOfDeepSeekV3sChunk) {
  expect_within(0.25, "DeepSeek-V3", {"dispatch_i_us", "combine_f_us", "combine_i_us"}, 3);
}

TEST_F(Published, StepOfDeepSeekV3) {
  expect_within(0.12, "DeepSeek-V3 on", {"step_s", "tokens_per_day_1e9", "tflops_per_gpu", "mfu_percent"}, 4);
}

// From the durations of the paper's own table; its bubble holds waits that no schedule has.
TEST_F(Published, StepOfDeepSeekV3FromItsOwnTable) {
  expect_within(0.05, "its own table", {"step_s"}, 1);
  expect_within(0.02, "its own table", {"step_1f_s", "step_1b_s", "step_1w_s", "step_1f1b_s"}, 4);
}

// None of these was in the fit of the A100's constants.
TEST_F(Published, MegatronsIterations) {
  expect_within(0.08, "Megatron GPT", {"step_s"}, 8);
}

TEST_F(Published, Llama3sRates) {
  expect_within(0.08, "Llama 3 405B", {"tflops_per_gpu", "mfu_percent"}, 6);
}

TEST(Validate, SaysWhatAReferenceMayName) {
  const auto list = run_command("validate --list");
  EXPECT_EQ(list.code, 0);
  EXPECT_NE(list.out.find("\nstep_s "), std::string::npos);
}

TEST(Validate, ComparesIterationsBySetting) {
  const auto json = run_command({"validate", "--iterations",
                                 std::string(PIPELOOM_TEST_DATA) + "/cases/a100_iterations.csv", "--json"})
                        .json();
  EXPECT_FALSE(json["references"].empty());
  EXPECT_EQ(json["iterations"]["rows"].size(), 613u);
  const auto& multi = json["iterations"]["settings"]["multi-node"];
  EXPECT_LE(multi["median_absolute_error"], multi["p95_absolute_error"]);
  EXPECT_LE(std::abs(multi["mean_error"].get<double>()), multi["mean_absolute_error"].get<double>());
}

TEST(Memory, PrintsWhatFillsEachRank) {
  const auto json = run_command({"memory", sample("deepseek-v3"), "--schedule", "dualpipe", "--json"}).json();
  ASSERT_EQ(json["ranks"].size(), 16u);
  const auto& fullest = json["ranks"][json["rank"].get<size_t>()];
  int64_t sum = 0;
  for (const auto& [name, bytes] : fullest.items()) {
    if (name != "total_bytes") sum += bytes.get<int64_t>();
  }
  EXPECT_EQ(sum, fullest["total_bytes"]);
  EXPECT_LT(sum, json["limit_bytes"]);  // as it was trained
  int64_t most = 0;
  for (const auto& point : json["over_time"]) most = std::max(most, point["bytes"].get<int64_t>());
  EXPECT_EQ(most, sum);
  int alive = 0;
  for (const auto& stage : json["alive_at_peak"]) alive += stage["whole"].get<int>();
  EXPECT_EQ(alive, 17);  // P + 1
}

TEST(Memory, Llama3Fits) {
  const auto json = run_command({"memory", sample("published/llama-3-405b-16384"), "--json"}).json();
  for (const auto& rank : json["ranks"]) EXPECT_LT(rank["total_bytes"], json["limit_bytes"]);
}

TEST(ListGpus, PrintsTheFileOfOne) {
  EXPECT_NE(run_command("list-gpus").out.find("\nH800 "), std::string::npos);
  EXPECT_NE(run_command("list-gpus H800").out.find("name: \"H800\""), std::string::npos);
  EXPECT_EQ(run_command("list-gpus H900").code, 1);
}

}  // namespace
}  // namespace pipeloom::tests
