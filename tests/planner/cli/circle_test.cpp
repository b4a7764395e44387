// The whole circle of a user: plan, run, diff, calibrate, plan again.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

int shell(const std::string& command) {
  return std::system(command.c_str());
}

TEST(Commands, PlanRunDiffCalibrate) {
  const TempFolder folder;
  const std::string plan = folder.path("tiny.plan");
  const std::string trace = folder.path("tiny.trace");
  ASSERT_EQ(run_command({"plan", sample("tiny-moe"), "--schedule", "1f1b", "-o", plan}).code, 0);
  const std::string text = folder.file("text", std::string(40'000, 'a'));
  ASSERT_EQ(shell(std::string(PIPELOOM_RUN) + " " + plan + " --text " + text + " --steps 2 --trace " + trace +
                  " > /dev/null"),
            0);
  const auto diff = run_command({"diff", plan, trace, "--json"}).json();
  EXPECT_EQ(diff["missing"], 0);
  EXPECT_EQ(diff["ranks"].size(), 4u);

  const std::string csv = folder.path("measured.csv");
  ASSERT_EQ(run_command({"calibrate", plan, trace, "-o", csv}).code, 0);
  std::ifstream sample_file(sample("tiny-moe"));
  std::string job((std::istreambuf_iterator<char>(sample_file)), {});
  job.replace(job.find("models/"), 7, std::string(PIPELOOM_SOURCE) + "/samples/models/");
  const std::string again = folder.file("again.txtpb", job + "\nmeasured_layers_csv: \"measured.csv\"\n");
  const std::string second = folder.path("second.plan");
  ASSERT_EQ(run_command({"plan", again, "--schedule", "1f1b", "-o", second}).code, 0);
  // What the first run measured is what the second plan predicts.
  const auto predicted_of = [](const std::string& path) {
    return run_command({"simulate", path, "--json"}).json()["makespan"].get<double>();
  };
  double measured = 0;
  for (const auto& rank : diff["ranks"]) measured = std::max(measured, rank["executed_busy"].get<double>());
  EXPECT_LT(std::abs(predicted_of(second) - measured), std::abs(predicted_of(plan) - measured));
}

TEST(Commands, DiffRefusesAnotherPlansTrace) {
  const TempFolder folder;
  const std::string one = folder.path("one.plan");
  const std::string two = folder.path("two.plan");
  const std::string trace = folder.path("trace");
  ASSERT_EQ(run_command({"plan", sample("tiny-moe"), "--schedule", "1f1b", "-o", one}).code, 0);
  ASSERT_EQ(run_command({"plan", sample("tiny-moe"), "--schedule", "zb1p", "-o", two}).code, 0);
  ASSERT_EQ(shell(std::string(PIPELOOM_RUN) + " " + one + " --pace --steps 1 --trace " + trace + " > /dev/null"), 0);
  const auto result = run_command({"diff", two, trace});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("the trace is of another plan"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace pipeloom::tests
