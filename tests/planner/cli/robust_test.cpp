#include <gtest/gtest.h>

#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

const std::string kJob = " --ranks 4 --micro-batches 8 --times F=1,I=1,W=1 ";

nlohmann::json robustness_of(const std::string& line) {
  const CommandResult result = run_command(line + " --json");
  EXPECT_EQ(result.code, 0) << line << ": " << result.err;
  return result.json()["robustness"];
}

TEST(SimulateSamples, SayMedianP95AndWhichRankHurts) {
  const std::string line = "simulate --schedule 1f1b" + kJob + "--samples 300 --seed 7 --jitter ";
  const auto calm = robustness_of(line + "0.05");
  EXPECT_EQ(calm["samples"], 300);
  EXPECT_EQ(calm["seed"], 7);
  EXPECT_EQ(calm["as_planned"], (8 + 4 - 1) * 3);
  EXPECT_GT(calm["median"], calm["as_planned"]);
  EXPECT_GT(calm["p95"], calm["median"]);
  ASSERT_EQ(calm["loss_by_rank"].size(), 4u);
  const int worst = calm["worst_rank"];
  for (const auto& loss : calm["loss_by_rank"]) EXPECT_LE(loss, calm["loss_by_rank"][worst]);
  EXPECT_EQ(robustness_of(line + "0.05"), calm);
  EXPECT_GT(robustness_of(line + "0.2")["p95"], calm["p95"]);
}

TEST(SimulateSamples, NeedSomethingThatScatters) {
  const CommandResult result = run_command("simulate --schedule 1f1b" + kJob + "--samples 300");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.err, "pipeloom: nothing scatters: give the job a variation, or for example --jitter 0.05\n");
}

// The plan's own p95 is what simulating it says, and no named schedule's is less.
TEST(PlanForP95, IsNoWorseThanAnyNamedSchedule) {
  const TempFolder folder;
  const std::string plan = folder.path("a.plan");
  const std::string scatter = " --straggler-probability 0.2 --straggler-slowdown 1.5 --jitter 0.05";
  const auto planned = robustness_of("plan" + kJob + "--objective p95 -o " + plan + scatter);
  EXPECT_EQ(robustness_of("simulate " + plan + " --samples 1000 --seed 1" + scatter), planned);
  for (const std::string name : {"1f1b", "zb-h1", "zb-v", "gpipe"}) {
    const bool two_chunks = name == "zb-v";
    const std::string job = two_chunks ? " --ranks 4 --micro-batches 8 --times F=0.5,I=0.5,W=0.5 " : kJob;
    EXPECT_LE(planned["p95"],
              robustness_of("simulate --schedule " + name + job + "--samples 1000 --seed 1" + scatter)["p95"])
        << name;
  }
}

}  // namespace
}  // namespace pipeloom::tests
