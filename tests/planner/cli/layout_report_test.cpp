#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

const std::string kPlan = "plan " + sample("tiny-moe") + " --layout free ";

nlohmann::json planned(const std::string& options) {
  const CommandResult result = run_command(kPlan + options + " --json");
  EXPECT_EQ(result.code, 0) << options << ": " << result.err;
  return result.json();
}

TEST(PlanLayout, FrontIsSortedAndNothingOfItBeatsAnother) {
  const auto layouts = planned("")["layouts"];
  EXPECT_GT(layouts["considered"], 1000);
  const auto& front = layouts["front"];
  ASSERT_GT(front.size(), 1u);
  for (size_t i = 0; i < front.size(); ++i) {
    EXPECT_EQ(front[i]["pipeline"].get<int>() * front[i]["tensor"].get<int>() * front[i]["data"].get<int>(), 4);
    for (size_t j = 0; j < i; ++j) {
      EXPECT_LE(front[j]["time_per_step"], front[i]["time_per_step"]);
      EXPECT_TRUE(front[i]["peak_memory_bytes"] < front[j]["peak_memory_bytes"] ||
                  front[i]["weight_copies"] < front[j]["weight_copies"])
          << i << " is no better than " << j;
    }
  }
}

// The fastest layout's order is searched like any other's.
TEST(PlanLayout, IsSearchedFurtherAndNoSlower) {
  const auto json = planned("--moves 100 --hold pipeline");
  EXPECT_LE(json["time_per_step"], json["layouts"]["front"][0]["time_per_step"]);
  EXPECT_LE(json["bound"], json["makespan"]);
  EXPECT_EQ(json["ranks"], 4);
  for (const auto& entry : json["layouts"]["front"]) EXPECT_EQ(entry["pipeline"], 4);
}

TEST(PlanLayout, ExplainsWhatTheOthersLose) {
  const CommandResult result = run_command(kPlan + "--explain");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("Nothing beats these in time, memory and weight copies together"), std::string::npos);
  EXPECT_NE(result.out.find("The job's own layout, PP4"), std::string::npos) << result.out;
}

// What those who tuned DeepSeek-V3 on 256 GB200 chose can't be told from the best that Megatron-LM can run.
TEST(PlanLayout, APublishedLayoutIsAmongTheBest) {
  const TempFolder folder;
  const std::string id = "mb26.08-deepseek-v3-GB200-mxfp8-256-tp1pp4vp4cp1ep64-mbs1-gbs4096";
  run_command({"validate", "--published", std::string(PIPELOOM_TEST_DATA) + "/published/rows.csv", "--where",
               "id=" + id, "--write-jobs", folder.path("")});
  const CommandResult result = run_command("plan " + folder.path(id + ".txtpb") +
                                           " --layout free --for megatron --hold recompute,comm-sms,micro-batch-size"
                                           " --json");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto layouts = result.json()["layouts"];
  EXPECT_TRUE(layouts["own"]["too_close_to_call"]) << layouts["own"];
  EXPECT_GT(layouts["own"]["layouts_that_may_fit"], 50);
  for (const auto& entry : layouts["front"]) EXPECT_EQ(entry["schedule"], "interleaved-1f1b-moe-overlap");
}

TEST(PlanFor, TakesASchedulesThatTheFrameworkHas) {
  const auto plan = [](const std::string& options) {
    const CommandResult result = run_command("plan " + sample("tiny-moe") + options + " --json");
    EXPECT_EQ(result.code, 0) << result.err;
    return result.json()["schedule"].get<std::string>();
  };
  EXPECT_EQ(plan(""), "dualpipe");
  EXPECT_THAT(plan(" --for megatron"), testing::AnyOf("1f1b", "interleaved-1f1b"));
  EXPECT_THAT(plan(" --for torchtitan"), testing::AnyOf("zb-v-pytorch", "dualpipev", "interleaved-zb"));
}

TEST(PlanFor, RefusesWhatTheFrameworkLacks) {
  const std::string plan = "plan " + sample("tiny-moe");
  const auto error = [](const std::string& command) {
    const CommandResult result = run_command(command);
    EXPECT_EQ(result.code, 1);
    return result.err;
  };
  EXPECT_THAT(error(plan + " --for megatron --schedule dualpipe"), testing::HasSubstr("has no such schedule"));
  EXPECT_THAT(error(plan + " --for nobody"), testing::HasSubstr("allowed are megatron, torchtitan, pipeloom"));
  EXPECT_THAT(error(plan + " --for megatron --budget 1s"), testing::HasSubstr("orders that only Pipeloom runs"));
  EXPECT_EQ(run_command(plan + " --for pipeloom --moves 10").code, 0);
}

TEST(CompareFor, SaysWhatTheFrameworkCantRun) {
  const CommandResult result = run_command("compare " + sample("tiny-moe") + " --for megatron");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, testing::HasSubstr("dualpipe                      Megatron-LM has no such schedule"));
  EXPECT_THAT(result.out, testing::HasSubstr("1f1b  "));
}

TEST(PlanLayout, RefusesAJobWithoutAModelAndUnknownFields) {
  const CommandResult without = run_command("plan --ranks 4 --micro-batches 8 --layout free");
  EXPECT_EQ(without.code, 1);
  EXPECT_NE(without.err.find("--layout free needs a job with a model"), std::string::npos) << without.err;
  EXPECT_EQ(run_command(kPlan + "--hold colour").code, 1);
}

}  // namespace
}  // namespace pipeloom::tests
