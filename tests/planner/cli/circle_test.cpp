// The whole circle of a user: plan, run, diff, calibrate, plan again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

int shell(const std::string& command) {
  return std::system(command.c_str());
}

// 0 for a right prediction, towards 1 the further it is off.
double distance(double predicted, double measured) {
  return std::abs(predicted - measured) / std::max(predicted, measured);
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
  // What the first run measured is what the second plan predicts, kind by kind.
  const std::string paced = folder.path("paced.trace");
  ASSERT_EQ(shell(std::string(PIPELOOM_RUN) + " " + second + " --pace --steps 1 --trace " + paced + " > /dev/null"), 0);
  const auto second_diff = run_command({"diff", second, paced, "--json"}).json();
  // Over all kinds together: one kind's first prediction may be right by luck, and a busy machine scatters each of
  // them.
  double first_error = 0;
  double second_error = 0;
  int kinds = 0;
  for (size_t i = 0; i < diff["kinds"].size(); ++i) {
    const auto& first_kind = diff["kinds"][i];
    const auto& second_kind = second_diff["kinds"][i];
    const std::string kind = first_kind["kind"];
    ASSERT_EQ(kind, second_kind["kind"]);
    if (!kind.ends_with(" F") && !kind.ends_with(" I") && !kind.ends_with(" W")) continue;
    const double measured = first_kind["executed_median"].get<double>();
    first_error += distance(first_kind["predicted_median"].get<double>(), measured);
    second_error += distance(second_kind["predicted_median"].get<double>(), measured);
    ++kinds;
  }
  EXPECT_GE(kinds, 15);
  EXPECT_LT(second_error, 0.1 * first_error);
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
