#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "planner/cli/text_table.h"
#include "planner/cli/text_timeline.h"
#include "planner/schedules/schedule_table.h"
#include "tests/planner/cli/run_command.h"
#include "tests/planner/support.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

using ::testing::HasSubstr;

TEST(TextTable, AlignsColumns) {
  planner::TextTable table({"name", "time"});
  table.add_row({"a", "10"});
  table.add_row({"longer", "7"});
  EXPECT_EQ(table.text(), "name    time\na         10\nlonger     7\n");
}

// Whoever wrote a job chose its name and its file's name.
TEST(Output, NamesCantCommandATerminal) {
  const TempFolder folder;
  const std::string job = folder.path("job.txtpb");
  std::ofstream(job) << "name: \"calm\\033[2Jname\\n\" layout { pipeline: 2 } micro_batches: 4\n"
                        "costs { f_ms: 1 i_ms: 1 w_ms: 1 }\n";
  const std::string plan = folder.path("job.plan");
  for (const std::string& command : {"compare " + job, "plan " + job + " -o " + plan, "simulate " + plan,
                                     "explain " + plan, "export " + plan + " --to svg", "show " + plan}) {
    const CommandResult result = run_command(command);
    EXPECT_EQ(result.code, 0) << command << ": " << result.err;
    EXPECT_EQ(result.out.find('\033'), std::string::npos) << command << ": " << result.out;
  }
  const CommandResult missing = run_command({"compare", folder.path("\033[31mred.txtpb")});
  EXPECT_EQ(missing.code, 1);
  EXPECT_EQ(missing.err.find('\033'), std::string::npos) << missing.err;
  EXPECT_THAT(missing.err, HasSubstr("\\x1b[31mred"));
}

TEST(TextTimeline, ShowsEverySlotWhereThereIsRoom) {
  const auto simulated = simulate_named("1f1b", {2, 2}, {1000, 1000, 1000});
  const std::string text = planner::text_timeline(simulated.schedule, simulated.timeline, {false, 9 + 36});
  EXPECT_EQ(text,
            "  rank 0 F0--F1--........B0------....B1------\n"
            "  rank 1 ....F0--B0------F1--B1------........\n"
            "         F forward   B backward   . idle\n");
}

TEST(TextTimeline, ColoursSlotsOnATerminal) {
  const auto simulated = simulate_named("1f1b", {2, 2}, {1, 1, 1});
  const std::string text = planner::text_timeline(simulated.schedule, simulated.timeline, {true, 60});
  EXPECT_THAT(text, HasSubstr("\033[48;5;25;38;5;231m0"));
  EXPECT_THAT(text, HasSubstr("\033[0m"));
}

TEST(ListSchedules, NamesEveryRow) {
  const auto result = run_command("list-schedules");
  for (const planner::NamedSchedule& named : planner::named_schedules()) {
    EXPECT_THAT(result.out, HasSubstr(std::string(named.name)));
    EXPECT_THAT(result.out, HasSubstr(std::string(named.paper)));
  }
  EXPECT_EQ(run_command("list-schedules --json").json().size(), planner::named_schedules().size());
}

TEST(Export, TheSvgHoldsEverySlotAndItsTitle) {
  const auto result = run_command("export --schedule dualpipe --ranks 4 --micro-batches 8 --to svg");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, ::testing::StartsWith("<svg "));
  EXPECT_THAT(result.out, HasSubstr("DualPipe: 4 ranks, 4 stages (bidirectional), 8 micro-batches"));
  size_t titles = 0;
  for (size_t at = result.out.find(" of stage "); at != std::string::npos; at = result.out.find(" of stage ", at + 1)) {
    ++titles;
  }
  // Every F and B (or I and W) of 8 micro-batches on 4 stages, each once; W apart in 8 slots.
  const auto simulated = simulate_named("dualpipe", {4, 8}, {1, 1, 1});
  EXPECT_EQ(titles, static_cast<size_t>(simulated.schedule.passes()));
}

TEST(Export, TheChromeTraceHoldsEverySlot) {
  const TempFolder folder;
  const std::string path = folder.path("trace.json");
  const auto result = run_command("export --schedule 1f1b --ranks 4 --micro-batches 8 --to chrome -o " + path);
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(std::ifstream(path));
  int slots = 0;
  for (const auto& event : json["traceEvents"]) slots += event["ph"] == "X" ? 1 : 0;
  EXPECT_EQ(slots, 4 * 8 * 2);
}

TEST(Explain, SaysWhatARankWaitsForAndWhy) {
  const auto result =
      run_command("explain --schedule 1f1b --ranks 4 --micro-batches 8 --times F=1,B=2,link=0.1 --rank 0 --at 6");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              HasSubstr("rank 0 at 6 is idle, 4 to 10.5 (6.5): waits for task; next is B0, which waits for B0 "
                        "of stage 1 on rank 1 (8.5 to 10.5)"));
  EXPECT_THAT(result.out, HasSubstr("B0 of stage 1 on rank 1 waited for B0 of stage 2 on rank 2 (6.4 to 8.4)"));
}

TEST(Explain, GivesTheSlackOfARunningSlot) {
  const auto result = run_command("explain --schedule 1f1b --ranks 4 --micro-batches 8 --rank 3 --at 3.5");
  EXPECT_THAT(result.out, HasSubstr("runs F0 of stage 3 on rank 3"));
  EXPECT_THAT(result.out, HasSubstr("slack"));
}

TEST(Compare, GivesTheReasonOfEachScheduleThatCannotRun) {
  const auto json = run_command("compare --ranks 4 --micro-batches 3 --json").json();
  bool refused = false;
  for (const auto& entry : json["schedules"]) {
    if (entry["runs"]) continue;
    refused = true;
    EXPECT_FALSE(entry["reason"].get<std::string>().empty());
  }
  EXPECT_TRUE(refused);
}

TEST(Compare, DividesTimesAmongChunks) {
  const auto json = run_command("compare --ranks 4 --micro-batches 8 --times F=1,I=1,W=1 --json").json();
  for (const auto& entry : json["schedules"]) {
    // No schedule does more or less than 8 micro-batches of 3 on a rank.
    if (!entry["runs"]) continue;
    const double busy = entry["makespan"].get<double>() * (1 - entry["bubble_global_rate"].get<double>());
    EXPECT_NEAR(busy, 24, 1e-6) << entry["schedule"];
  }
}

}  // namespace
}  // namespace pipeloom::tests
