#include <gtest/gtest.h>

#include "tests/planner/cli/run_command.h"

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

TEST(PlanLayout, RefusesAJobWithoutAModelAndUnknownFields) {
  const CommandResult without = run_command("plan --ranks 4 --micro-batches 8 --layout free");
  EXPECT_EQ(without.code, 1);
  EXPECT_NE(without.err.find("--layout free needs a job with a model"), std::string::npos) << without.err;
  EXPECT_EQ(run_command(kPlan + "--hold colour").code, 1);
}

}  // namespace
}  // namespace pipeloom::tests
