#include <gmock/gmock.h>

#include "tests/planner/cli/run_command.h"

namespace pipeloom::tests {
namespace {

const std::string kRows = std::string(PIPELOOM_TEST_DATA) + "/published/rows.csv";

TEST(ValidatePublished, PrintsErrorsByGroupAndWhatCantBeSaid) {
  const CommandResult result = run_command({"validate", "--published", kRows});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, testing::HasSubstr("gpu H100"));
  EXPECT_THAT(result.out, testing::HasSubstr("model llama3-70b"));
  EXPECT_THAT(result.out, testing::HasSubstr("memory, allocated"));
  EXPECT_THAT(result.out, testing::HasSubstr("task is sft; a job is pre-training"));
}

TEST(ValidatePublished, GivesScriptsEveryTraining) {
  const nlohmann::json json = run_command({"validate", "--published", kRows, "--json"}).json();
  EXPECT_EQ(json["trainings"].size(), 7u);
  EXPECT_TRUE(json["steps"].contains("judged"));
  EXPECT_TRUE(json["groups"]["gpu"].contains("H100"));
  EXPECT_TRUE(json["memory"].contains("allocated"));
  for (const auto& training : json["trainings"]) {
    for (const auto& memory : training.value("memory", nlohmann::json::array())) {
      EXPECT_TRUE(json["memory"].contains(memory["counter"].get<std::string>() + ", " +
                                          training["settings"]["software"].get<std::string>()));
      EXPECT_GE(memory["rank"], 0);
      EXPECT_GT(memory["lasting_bytes"].get<int64_t>() + memory["churn_bytes"].get<int64_t>(), 0);
    }
  }
}

TEST(ValidatePublished, TakesThoseThatMeetEveryCondition) {
  const nlohmann::json json =
      run_command({"validate", "--published", kRows, "--json", "--where", "gpu=H100,model=llama3-8b"}).json();
  ASSERT_EQ(json["trainings"].size(), 1u);
  EXPECT_EQ(json["trainings"][0]["settings"]["software"], "torchtitan");
}

TEST(ValidatePublished, RefusesAConditionWithoutColumn) {
  const CommandResult result = run_command({"validate", "--published", kRows, "--where", "H100"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.err, "pipeloom: --where has \"H100\"; each condition is COLUMN=VALUE\n");
}

}  // namespace
}  // namespace pipeloom::tests
