#include <gtest/gtest.h>

#include <algorithm>

#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

constexpr const char* kFigures[] = {"step_s", "tokens_per_s_per_gpu", "tflops_per_gpu",
                                    "mfu",    "peak_memory_bytes",    "fits"};

nlohmann::json json_of(const std::string& command) {
  const CommandResult result = run_command(command + " --json");
  EXPECT_EQ(result.code, 0) << command << ": " << result.err;
  return result.json();
}

void expect_same(const nlohmann::json& one, const nlohmann::json& other, const std::string& what) {
  for (const char* figure : kFigures) EXPECT_EQ(one.at(figure), other.at(figure)) << what << ": " << figure;
}

class Figures : public testing::TestWithParam<std::string> {};

// Every command says the same of one job with one schedule, and of its plan.
TEST_P(Figures, AreTheSameInEveryCommand) {
  const std::string job = sample(GetParam());
  const TempFolder folder;
  const std::string plan = folder.path("1f1b.plan");
  const nlohmann::json simulated = json_of("simulate " + job + " --schedule 1f1b");
  expect_same(json_of("plan " + job + " --schedule 1f1b -o " + plan), simulated, "plan");
  expect_same(json_of("simulate " + plan), simulated, "simulate PLAN");
  expect_same(json_of("explain " + plan), simulated, "explain");
  expect_same(json_of("sweep " + job + " --schedule 1f1b --over batch.micro_batch_size=1")[0], simulated, "sweep");
  for (const auto& entry : json_of("compare " + job)["schedules"]) {
    if (entry["schedule"] == "1f1b") expect_same(entry, simulated, "compare");
  }
}

INSTANTIATE_TEST_SUITE_P(Samples, Figures, testing::Values("deepseek-v3", "gpt3-175b", "tiny-moe", "llama-3-405b"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// DeepSeek-V3's table 4: 2048 GPUs, 15360 sequences of 4096 tokens.
TEST(StepFigures, FollowFromTheStep) {
  const nlohmann::json json = json_of("simulate " + sample("deepseek-v3") + " --schedule dualpipe");
  const double step_s = json["step_s"];
  EXPECT_DOUBLE_EQ(json["tokens_per_s_per_gpu"].get<double>(), 15360.0 * 4096 / 2048 / step_s);
  EXPECT_NEAR(json["mfu"].get<double>(), json["tflops_per_gpu"].get<double>() / 989.4, 1e-9);
  EXPECT_LT(json["mfu"], 1);
  EXPECT_TRUE(json["fits"]);
}

TEST(StepFigures, SweepsSayWhatDoesNotFit) {
  const std::string sweep = "sweep " + sample("deepseek-v3") + " --schedule gpipe --over layout.expert=64";
  EXPECT_FALSE(json_of(sweep)[0]["fits"]);
  EXPECT_NE(run_command(sweep).out.find("does not fit 80.0 GB"), std::string::npos);
}

}  // namespace
}  // namespace pipeloom::tests
