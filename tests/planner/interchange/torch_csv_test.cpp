// Every schedule of the table to PyTorch's CSV and back.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planner/schedules/schedule_table.h"
#include "proto/torch/schedule_csv.h"
#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

using ::testing::HasSubstr;

Result<Schedule> generate(const planner::NamedSchedule& row, const planner::PipelineShape& shape) {
  PIPELOOM_TRY(const Placement placement, row.placement(shape));
  PIPELOOM_TRY(const ScheduleCosts costs,
               ScheduleCosts::uniform(placement.stages(), placement.ranks(), StageCost::plain(1, 1, 1)));
  return row.generate(shape, {costs});
}

// Without what only blocking P2P looks at, which PyTorch's format does not have.
std::vector<Slot> passes_of(const Schedule& schedule) {
  std::vector<Slot> slots(schedule.slots().begin(), schedule.slots().end());
  for (Slot& slot : slots) {
    slot.send_later = 0;
    slot.receive_early = 0;
  }
  return slots;
}

// How many shapes of this schedule came back; each in both formats.
int round_trips(const planner::NamedSchedule& row, proto::TorchCsvFormat format) {
  int same = 0;
  for (int ranks = 1; ranks <= 6; ++ranks) {
    for (const int micro_batches : {1, 2, 4, 7, 8, 12, 16}) {
      for (const int chunks : {0, 2, 3}) {
        const auto schedule = generate(row, {ranks, micro_batches, chunks, 0, 1, 2});
        if (!schedule) continue;
        SCOPED_TRACE(fmt::format("{} ranks {} micro-batches {} chunks {}", row.name, ranks, micro_batches, chunks));
        const auto csv = proto::schedule_to_torch_csv(*schedule, format);
        if (!csv) {
          EXPECT_GT(schedule->placement().pipes(), 1) << csv.error().message;
          continue;
        }
        const auto back = proto::parse_torch_csv("there.csv", *csv);
        EXPECT_TRUE(back.has_value()) << back.error().message;
        if (!back) return same;
        EXPECT_EQ(passes_of(*back), passes_of(*schedule));
        EXPECT_EQ(back->micro_batches(), schedule->micro_batches());
        for (int stage = 0; stage < schedule->stages(); ++stage) {
          EXPECT_EQ(back->placement().rank_of(0, stage), schedule->placement().rank_of(0, stage));
        }
        if (ranks > 1) {
          EXPECT_EQ(back->placement(), schedule->placement());
        }
        ++same;
      }
    }
  }
  return same;
}

TEST(TorchCsvRoundTrip, EveryScheduleOfTheTableComesBack) {
  for (const planner::NamedSchedule& row : planner::named_schedules()) {
    const bool expressible = !row.name.starts_with("chimera") && row.name != "dualpipe";
    for (const proto::TorchCsvFormat format :
         {proto::TorchCsvFormat::kComputeOnly, proto::TorchCsvFormat::kComputeComms}) {
      const int same = round_trips(row, format);
      if (expressible) {
        EXPECT_GT(same, 4) << row.name;
      } else {
        EXPECT_EQ(same, 0) << row.name;
      }
    }
  }
}

// What PyTorch's ScheduleDualPipeV makes for 2 ranks and 4 micro-batches.
TEST(TorchCsvRoundTrip, DualPipeVIsPyTorchs) {
  EXPECT_EQ(run_command("export --schedule dualpipev --ranks 2 --micro-batches 4 --to torch-csv").out,
            "0F0,0F1,0F2,3F0,3I0,3W0,3F1,(0F3;3B1)OVERLAP_F_B,(3F2;0B0)OVERLAP_F_B,3B2,(3F3;0B1)OVERLAP_F_B,3B3,0I2,"
            "0W2,0I3,0W3\r\n"
            "1F0,2F0,1F1,2F1,1F2,2B0,(2F2;1B0)OVERLAP_F_B,(1F3;2B1)OVERLAP_F_B,(2F3;1B1)OVERLAP_F_B,2B2,1B2,2I3,1I3,"
            "2W3,1W3\r\n");
}

TEST(TorchCsvCommand, ImportMakesAPlanOfTheJobsCosts) {
  const TempFolder folder;
  const std::string csv = folder.path("mine.csv");
  const std::string plan = folder.path("mine.plan");
  const std::string job =
      folder.file("job.txtpb", "layout { pipeline: 2 } micro_batches: 4 costs { f_ms: 2 i_ms: 2 w_ms: 2 }");
  ASSERT_EQ(run_command({"export", job, "--schedule", "1f1b", "--to", "torch-csv", "-o", csv}).code, 0);
  const auto imported = run_command({"import", csv, "--job", job, "-o", plan});
  EXPECT_EQ(imported.code, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("mine: 2 ranks, 2 stages (linear), 4 micro-batches"));
  EXPECT_THAT(imported.out, HasSubstr("makespan 30 "));  // (M + P - 1)(F + B)
  EXPECT_EQ(run_command({"simulate", plan}).code, 0);
  EXPECT_THAT(run_command({"show", csv, "--times", "F=1,B=2"}).out, HasSubstr("makespan 15 "));
}

TEST(TorchCsvCommand, WhatDoesNotFitIsRefused) {
  const TempFolder folder;
  const std::string csv = folder.file("mine.csv", "0F0,0B0\n1F0,1B0\n");
  const std::string job =
      folder.file("job.txtpb", "layout { pipeline: 4 } micro_batches: 1 costs { f_ms: 2 i_ms: 2 w_ms: 2 }");
  EXPECT_THAT(run_command({"import", csv, "--job", job}).err, HasSubstr("the schedule has 2 ranks, the job 4"));
  EXPECT_THAT(run_command({"show", csv, "--ranks", "2"}).err, HasSubstr("--ranks can't be combined with a schedule"));
  const auto dualpipe = run_command("export --schedule dualpipe --ranks 2 --micro-batches 4 --to torch-csv");
  EXPECT_EQ(dualpipe.code, 1);
  EXPECT_THAT(dualpipe.err, HasSubstr("nearest that it can express is dualpipev"));
  EXPECT_THAT(run_command("export --schedule 1f1b --ranks 2 --micro-batches 4 --to svg --communication").err,
              HasSubstr("--communication is given; allowed only with --to torch-csv"));
}

}  // namespace
}  // namespace pipeloom::tests
