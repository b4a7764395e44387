#include <gtest/gtest.h>

#include <algorithm>

#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

const std::string kShape = "plan --ranks 4 --micro-batches 8 ";
const std::string kJob = kShape + "--times F=1,I=1,W=1,link=0.1 ";

void expect_refused(const std::string& options, const std::string& reason) {
  const CommandResult result = run_command(kJob + options);
  EXPECT_EQ(result.code, 1) << options;
  EXPECT_NE(result.err.find(reason), std::string::npos) << options << ": " << result.err;
  EXPECT_EQ(result.out, "") << options;
}

TEST(PlanSearch, PrintsWhatAScriptNeeds) {
  const auto json =
      run_command(kJob + "--placement v --memory-cap 8 --release W --objective makespan --moves 20000 --seed 3 --json")
          .json();
  EXPECT_EQ(json["placement"], "v");
  EXPECT_EQ(json["objective"], "makespan");
  EXPECT_EQ(json["seed"], 3);
  EXPECT_LE(json["bound"], json["makespan"]);
  EXPECT_EQ(json["proven"], json["bound"] == json["makespan"]);
  ASSERT_EQ(json["peak_activations"].size(), 4u);
  for (const auto& peak : json["peak_activations"]) EXPECT_LE(peak, 8);
  EXPECT_GE(json["makespan"], 8 * 6);  // the work of a rank
  EXPECT_GT(json["moves"], 0);
}

// Zero Bubble Pipeline Parallelism, table 2: with P activations, held until W, nothing beats ZB-H1's (P-1)(F+I-W).
TEST(PlanSearch, ProvesThatZbH1IsBestWithItsMemory) {
  const auto json = run_command(
                        "plan --ranks 4 --micro-batches 12 --times F=2,I=3,W=1 --placement linear --memory-cap 4 "
                        "--release W --budget 5s --json")
                        .json();
  EXPECT_EQ(json["makespan"], 12 * 6 + 3 * (2 + 3 - 1));
  EXPECT_EQ(json["bound"], json["makespan"]);
  EXPECT_EQ(json["proven"], true);
}

TEST(PlanSearch, OverlapsFAndIAndKeepsWOutside) {
  const TempFolder folder;
  const std::string plan = folder.path("a.plan");
  const CommandResult planned = run_command(
      "plan --ranks 2 --micro-batches 4 --times F=2,I=2,W=2,FI=3 --placement bidirectional --moves 200000 --json -o " +
      plan);
  ASSERT_EQ(planned.code, 0) << planned.err;
  EXPECT_EQ(planned.json()["makespan"], 22);  // row 405 of tests/data/cases/optimal.csv
  EXPECT_EQ(planned.json()["proven"], true);
  EXPECT_EQ(run_command("simulate " + plan + " --json").json()["makespan"], 22);
  EXPECT_NE(run_command("show " + plan + " --json").out.find("\"FI\""), std::string::npos);
  const CommandResult both = run_command(kShape + "--times F=1,I=1,W=1,pair=2,FI=1 --moves 1");
  EXPECT_EQ(both.code, 1);
  EXPECT_NE(both.err.find("the search takes pairs of one kind"), std::string::npos) << both.err;
}

TEST(PlanSearch, WritesThePlanThatItPrints) {
  const TempFolder folder;
  const std::string plan = folder.path("a.plan");
  const CommandResult planned =
      run_command(kJob + "--placement bidirectional --memory-cap 4:4:4:5 --moves 3000 --json -o " + plan);
  ASSERT_EQ(planned.code, 0) << planned.err;
  const auto simulated = run_command("simulate " + plan + " --json").json();
  EXPECT_EQ(simulated["makespan"], planned.json()["makespan"]);
  EXPECT_EQ(simulated["peak_activations"], planned.json()["peak_activations"]);
  EXPECT_EQ(simulated["schedule"], planned.json()["found_by"]);
}

TEST(PlanSearch, TakesEveryPlacementAndObjective) {
  for (const std::string placement : {"linear", "looped", "v", "wave", "bidirectional"}) {
    for (const std::string objective : {"makespan", "span"}) {
      const auto json =
          run_command(kJob + "--moves 500 --json --placement " + placement + " --objective " + objective).json();
      EXPECT_EQ(json["placement"], placement);
      EXPECT_LE(json["bound"], json[objective]) << placement << " " << objective;
    }
  }
}

TEST(PlanSearch, ComparesAtEqualMemoryWithWeightCopies) {
  const auto json = run_command(kJob + "--placement v --memory-cap 8 --moves 3000 --compare --json").json();
  const auto& rows = json["compared"];
  ASSERT_GT(rows.size(), 10u);
  EXPECT_EQ(rows[0]["schedule"], "this plan");
  EXPECT_EQ(rows[0]["makespan"], json["makespan"]);
  EXPECT_EQ(rows[0]["weight_copies"], 1);
  bool after_those_that_fit = false;
  for (const auto& row : rows) {
    // Four whole shares, as eight chunks of half a share are.
    EXPECT_EQ(row["fits"], row["peak_activations"] <= 4) << row;
    after_those_that_fit = after_those_that_fit || !row["fits"];
    EXPECT_EQ(row["fits"], !after_those_that_fit) << row;
    if (row["schedule"] == "dualpipe") {
      EXPECT_EQ(row["weight_copies"], 2);
    }
    // Of the plan's own placement and memory.
    if (row["schedule"] == "zb-v") {
      EXPECT_GE(row["makespan"], json["makespan"]);
    }
  }
}

TEST(PlanSearch, ForPeopleSaysHowGoodThePlanIs) {
  const CommandResult result = run_command(kJob + "--placement linear --memory-cap 4 --moves 1000 --compare");
  EXPECT_NE(result.out.find("bound of the makespan 28.2: nothing is shorter"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("weight copies"), std::string::npos);
  EXPECT_EQ(result.out.find('\r'), std::string::npos);  // no progress without a terminal
}

TEST(PlanSearch, OfAModelFillsTheMemoryThatItsGpuLeaves) {
  const CommandResult result =
      run_command({"plan", sample("tiny-moe"), "--placement", "linear", "--moves", "100", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_LE(result.json()["bound"], result.json()["makespan"]);
}

TEST(PlanSearch, ProvesExactlyWhateverTheMovesAre) {
  const std::string job =
      "plan --ranks 2 --micro-batches 4 --times F=2,I=2,W=1 --placement v --memory-cap 3 --moves 1 --json ";
  // The bounds alone stop at 44 (docs/bounds.md); the proven optimum is 48 (tests/data/cases/optimal.csv, row 151).
  const auto json = run_command(job + "--exact").json();
  EXPECT_EQ(json["makespan"], 48);
  EXPECT_EQ(json["proven"], true);
}

// The shortest order of this job would deadlock where sends and receives of a batch complete together.
TEST(PlanSearch, FindsAnOrderThatRunsWithBlockingP2p) {
  const CommandResult result = run_command(
      "plan --ranks 4 --micro-batches 8 --placement linear --times F=1:2:1:1,I=1,W=1,link=0.25 --moves 1000 "
      "--p2p blocking --json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_LE(result.json()["bound"], result.json()["makespan"]);
}

TEST(PlanSearch, RefusesWhatItCantDo) {
  expect_refused("--budget soon", "--budget is soon; allowed are times such as 500ms, 5s or 2m");
  expect_refused("--budget 0s", "--budget is 0s");
  expect_refused("--budget 9999999m", "--budget is 9999999m");
  expect_refused("--memory-cap x", "--memory-cap is x; allowed are activations");
  expect_refused("--memory-cap 4:4", "--memory-cap has 2 entries; allowed are one, or one for each of the 4 ranks");
  expect_refused("--memory-cap 0.5", "the memory cap of rank 0 is");
  expect_refused("--placement v --chunks 3", "--chunks is 3; a v placement has 2 per rank");
  expect_refused("--placement wave --chunks 3", "--chunks is 3; a wave has 2, 4, 6, ... per rank");
  expect_refused("--placement linear --schedule 1f1b", "--schedule names an order");
  EXPECT_EQ(run_command(kJob + "--placement spiral").code, 2);
  EXPECT_EQ(run_command(kJob + "--moves 0").code, 2);
  EXPECT_EQ(
      run_command({"plan", sample("deepseek-v3"), "--placement", "linear", "--memory-cap", "8", "--moves", "1"}).code,
      1);
}

}  // namespace
}  // namespace pipeloom::tests
