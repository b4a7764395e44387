#include <gtest/gtest.h>

#include "planner/overlap/split.h"
#include "planner/subject/subject.h"
#include "tests/planner/cli/run_command.h"
#include "tests/support/models.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

TEST(PlanOverlap, IsNoSlowerThanTwentySms) {
  const auto chosen = run_command({"plan", sample("deepseek-v3"), "--json"}).json();
  const auto twenty = run_command({"plan", sample("deepseek-v3"), "--comm-sms", "20", "--json"}).json();
  EXPECT_EQ(chosen["schedule"], "dualpipe");
  EXPECT_LE(chosen["time_per_step"].get<double>(), twenty["time_per_step"].get<double>());
  // The searched order inside pairs is no slower than DeepSeek's own.
  const auto figure4 = run_command({"simulate", sample("deepseek-v3"), "--schedule", "dualpipe", "--json"}).json();
  EXPECT_LE(twenty["time_per_step"].get<double>(), figure4["time_per_step"].get<double>());
}

TEST(PlanOverlap, APlanKeepsItsSplitAndItsOrders) {
  const TempFolder folder;
  const std::string path = folder.path("x.plan");
  const auto planned = run_command({"plan", sample("deepseek-v3"), "--comm-sms", "12", "-o", path, "--json"}).json();
  const auto simulated = run_command({"simulate", path, "--json"}).json();
  EXPECT_EQ(simulated["time_per_step"], planned["time_per_step"]);
  EXPECT_NE(run_command({"explain", path}).out.find("\n* 12 "), std::string::npos);
}

TEST(PlanOverlap, RefusesASplitThatLeavesNoSm) {
  const auto result = run_command({"plan", sample("deepseek-v3"), "--comm-sms", "132"});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("cluster.comm_sms is 132; allowed are 0 to 131"), std::string::npos) << result.err;
}

TEST(SplitCurve, FewSmsExposeTheAllToAll) {
  const Job job = tests::deepseek_v3_job();
  const auto curve = planner::split_curve(job, *planner::find_schedule("dualpipe").value(), {4, 12, 20});
  ASSERT_EQ(curve.size(), 3u);
  EXPECT_GT(curve[0].exposed_ns, 0);
  EXPECT_EQ(curve[2].exposed_ns, 0);
  EXPECT_EQ(planner::with_best_split(job, curve).cluster->comm_sms, 12);
  EXPECT_EQ(planner::with_best_split(job, {}), job);
}

// With less memory than the fastest distribution of the layers needs, the fastest that fits is planned.
TEST(PlanOverlap, FitsWhatMemoryThereIs) {
  Job job = tests::deepseek_v3_job();
  const planner::Subject ample = planner::plan_overlap(planner::choose_schedule(job).value(), {}).value();
  job.memory_limit_bytes = planner::choose_schedule(job).value().evaluation.peak_memory();
  ASSERT_GT(ample.evaluation.peak_memory(), job.memory_limit_bytes);
  const planner::Subject fitting = planner::plan_overlap(planner::choose_schedule(job).value(), {}).value();
  EXPECT_LE(fitting.evaluation.peak_memory(), job.memory_limit_bytes);
  EXPECT_EQ(fitting.schedule_name, "dualpipe");
  EXPECT_GT(fitting.evaluation.end.step_ns, ample.evaluation.end.step_ns);
  EXPECT_LT(fitting.evaluation.end.step_ns, planner::choose_schedule(job).value().evaluation.end.step_ns);
}

TEST(Sweep, RunsOneJobOverAField) {
  const auto rows =
      run_command({"sweep", sample("deepseek-v3"), "--schedule", "dualpipe", "--over", "comm_sms=8..24:8", "--json"})
          .json();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2]["value"], 24);
  EXPECT_GT(rows[2]["time_per_step"], rows[0]["time_per_step"]);
}

// A value that can't run does not end the sweep.
TEST(Sweep, SaysWhichValuesCantRun) {
  const auto rows =
      run_command({"sweep", sample("deepseek-v3"), "--schedule", "dualpipe", "--over", "layout.expert=64,48", "--json"})
          .json();
  EXPECT_TRUE(rows[0].contains("time_per_step"));
  EXPECT_EQ(rows[1]["error"], "layout.expert is 48; it must divide layout.data * layout.context * layout.tensor (128)");
}

TEST(Sweep, RefusesWhatIsNoField) {
  const auto error = [](const std::string& over) {
    return run_command({"sweep", sample("deepseek-v3"), "--over", over}).err;
  };
  EXPECT_NE(error("comm_smz=4").find("\"comm_smz\" is no numeric field of a job"), std::string::npos);
  EXPECT_NE(error("intermediate=4").find("model.intermediate or model.moe.intermediate"), std::string::npos);
  EXPECT_NE(error("comm_sms").find("allowed are such as comm_sms=4..40"), std::string::npos);
  EXPECT_NE(error("comm_sms=40..4").find("a range goes up"), std::string::npos);
}

}  // namespace
}  // namespace pipeloom::tests
