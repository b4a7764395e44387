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

TEST(ValidatePublished, RefusesAConditionThatNoTrainingMeets) {
  const auto error = [](const std::string& where) {
    const CommandResult result = run_command({"validate", "--published", kRows, "--where", where});
    EXPECT_EQ(result.code, 1);
    EXPECT_EQ(result.out, "");
    return result.err;
  };
  EXPECT_EQ(error("gqu=H100"), "pipeloom: --where names the column gqu; no training of " + kRows + " has it\n");
  EXPECT_EQ(error("gpu=H100,model=gpt"),
            "pipeloom: --where is gpu=H100,model=gpt; no training of " + kRows + " meets it\n");
}

TEST(ValidatePublished, RefusesOptionsOfOtherComparisons) {
  for (const std::vector<std::string>& other :
       {std::vector<std::string>{"job.txtpb"}, {"--iterations", "rows.csv"}, {"--gpu", "H100"}}) {
    std::vector<std::string> words = {"validate", "--published", kRows};
    words.insert(words.end(), other.begin(), other.end());
    const CommandResult result = run_command(words);
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, testing::HasSubstr("--published excludes"));
  }
}

}  // namespace
}  // namespace pipeloom::tests
