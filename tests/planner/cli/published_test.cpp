#include <gmock/gmock.h>

#include "proto/base/files.h"
#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

const std::string kRows = std::string(PIPELOOM_TEST_DATA) + "/published/rows.csv";

TEST(ValidatePublished, PrintsErrorsByGroupAndWhatCantBeSaid) {
  const CommandResult result = run_command({"validate", "--published", kRows});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, testing::HasSubstr("gpu H100"));
  EXPECT_THAT(result.out, testing::HasSubstr("model llama3-70b"));
  EXPECT_THAT(result.out, testing::HasSubstr("memory, allocated"));
  EXPECT_THAT(result.out, testing::HasSubstr("task is lora; a job trains all weights"));
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

// A training becomes a job that predicts the same step, without the constants that Pipeloom knows.
TEST(ValidatePublished, WritesTrainingsAsJobs) {
  const TempFolder folder;
  const std::string id = "mb26.08-deepseek-v3-GB200-mxfp8-256-tp1pp4vp4cp1ep64-mbs1-gbs4096";
  const nlohmann::json json = run_command({"validate", "--published", kRows, "--json", "--where", "id=" + id,
                                           "--write-jobs", folder.path("jobs")})
                                  .json();
  ASSERT_EQ(json["trainings"].size(), 1u);
  const std::string job = folder.path("jobs/" + id + ".txtpb");
  EXPECT_THAT(content_of(job), testing::HasSubstr("layers_per_stage: [4, 4,"));
  EXPECT_THAT(content_of(job), testing::Not(testing::HasSubstr("rates")));
  const nlohmann::json step = run_command({"simulate", job, "--json"}).json();
  EXPECT_NEAR(step["time_per_step"].get<double>() / 1e3, json["trainings"][0]["predicted_step_s"].get<double>(), 1e-6);
}

TEST(ValidatePublished, RefusesAFolderForJobsThatCantBeMade) {
  const CommandResult result = run_command({"validate", "--published", kRows, "--write-jobs", kRows + "/jobs"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, testing::HasSubstr("can't make " + kRows + "/jobs"));
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
    EXPECT_THAT(result.err, testing::ContainsRegex("--published excludes|excludes --published"));
  }
}

TEST(ValidatePublished, SaysWhereFourOfFiveStepsLie) {
  const nlohmann::json json = run_command({"validate", "--published", kRows, "--json"}).json();
  EXPECT_EQ(json["intervals"]["rows"], json["steps"]["judged"]["rows"]);
  for (const auto& training : json["trainings"]) {
    if (!training.contains("predicted_step_s")) continue;
    EXPECT_LT(training["interval_s"][0], training["predicted_step_s"]);
    EXPECT_GT(training["interval_s"][1], training["predicted_step_s"]);
  }
}

TEST(CalibratePublished, FitsConstantsAndSaysHowWellTheyHold) {
  const std::string path = testing::TempDir() + "/constants.txtpb";
  const CommandResult result = run_command({"calibrate", "--published", kRows, "-o", path});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, testing::HasSubstr("left out by id"));
  EXPECT_THAT(proto::read_file(path).value(), testing::HasSubstr("constant { name: \"memory\" factor: "));
}

// A user's few steps, all a quarter slower than predicted: what was fitted predicts them better, also in other
// commands.
TEST(CalibratePublished, GivesConstantsForOnesOwnCluster) {
  const std::string csv = std::string(PIPELOOM_TEST_DATA) + "/published/mine.csv";
  const std::string constants = testing::TempDir() + "/mine.txtpb";
  ASSERT_EQ(run_command({"calibrate", "--published", csv, "-o", constants}).code, 0);
  const auto mean = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"validate", "--published", csv, "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return run_command(words).json()["steps"]["judged"]["mean"].get<double>();
  };
  EXPECT_GT(mean({}), 0.15);
  EXPECT_LT(mean({"--constants", constants}), 0.06);
}

TEST(CalibratePublished, ConstantsNeedSoftware) {
  const CommandResult result = run_command({"simulate", sample("deepseek-v3"), "--constants", "mine.txtpb"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, testing::HasSubstr("--constants needs a job with software"));
}

TEST(CalibratePublished, RefusesWhatItCantDo) {
  const auto error = [](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"calibrate"};
    words.insert(words.end(), more.begin(), more.end());
    const CommandResult result = run_command(words);
    EXPECT_EQ(result.code, 1);
    return result.err;
  };
  EXPECT_EQ(error({}), "pipeloom: calibrate needs a PLAN and its TRACE, or --published FILE.csv\n");
  EXPECT_EQ(error({"--published", kRows, "--leave-out", "weather"}),
            "pipeloom: --leave-out is weather; " + kRows + " has no such column\n");
  EXPECT_EQ(error({"--published", kRows, "--hold", "luck"}), "pipeloom: constant luck is unknown\n");
  EXPECT_EQ(error({"a.plan", "--published", kRows}),
            "pipeloom: --published is given; PLAN and TRACE belong to another calibration\n");
}

}  // namespace
}  // namespace pipeloom::tests
