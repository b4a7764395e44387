#include "proto/torch/schedule_csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pipeloom::proto {
namespace {

using ::testing::HasSubstr;

std::string problem(const std::string& csv) {
  const auto schedule = parse_torch_csv("mine.csv", csv);
  return schedule ? "" : schedule.error().message;
}

TEST(TorchCsv, ReadsRowsOfDifferentLengthsWithBubbles) {
  const auto schedule = parse_torch_csv("mine.csv", "0F0, ,0F1,,0B0,0B1\n,1F0,1B0,1F1,1B1\n\n");
  ASSERT_TRUE(schedule.has_value()) << schedule.error().message;
  EXPECT_EQ(schedule->placement(), Placement::linear(2).value());
  EXPECT_EQ(schedule->micro_batches(), 2);
  EXPECT_EQ(schedule->slots_of(0).size(), 4U);
  EXPECT_EQ(schedule->slots_of(1)[1], Slot::backward(1, 0));
}

TEST(TorchCsv, MessagesGiveLineAndColumn) {
  EXPECT_THAT(problem("0F0,0B0\n1F0,1X0\n"), HasSubstr("mine.csv:2:5: \"1X0\" is no action"));
  EXPECT_THAT(problem("0F0,0F\n"), HasSubstr("mine.csv:1:5: 0F names no micro-batch"));
  EXPECT_THAT(problem("0F1048576\n"), HasSubstr("mine.csv:1:1: micro-batch is 1048576; allowed are 0 to 1048575"));
  EXPECT_THAT(problem("65535F0\n"), HasSubstr("mine.csv:1:1: stage is 65535; allowed are 0 to 65534"));
  EXPECT_THAT(problem("0F0,0B0,1F0\n1F0,1B0\n"),
              HasSubstr("mine.csv:2:1: 1F0 is on rank 1, and stage 1 on rank 0 before; a stage has one rank"));
  EXPECT_THAT(problem("0F0,(0F1;0W0)OVERLAP_F_B\n"),
              HasSubstr("mine.csv:1:5: (0F1;0W0)OVERLAP_F_B: an overlapped pair"));
}

TEST(TorchCsv, ThePairOfAnIHasItsWApart) {
  const auto schedule = parse_torch_csv("mine.csv", "0F0,(0F1;0I0)OVERLAP_F_B,0W0,0I1,0W1\n");
  ASSERT_TRUE(schedule.has_value()) << schedule.error().message;
  EXPECT_EQ(schedule->slots_of(0)[1], Slot::pair(0, 1, 0, 0, SlotKind::kFI));
  const auto csv = schedule_to_torch_csv(*schedule, TorchCsvFormat::kComputeOnly);
  ASSERT_TRUE(csv.has_value()) << csv.error().message;
  EXPECT_THAT(*csv, HasSubstr("0F0,(0F1;0I0)OVERLAP_F_B,0W0,0I1,0W1"));
}

TEST(TorchCsv, WhatTheValidatorSaysNamesTheFile) {
  EXPECT_EQ(problem("0F0,0B0\n1B0,1F0\n"), "mine.csv: rank 1, slot 0 (B0): I0 of stage 1 comes before its F");
  EXPECT_EQ(problem("0F0,0F1,0B0\n1F0,1B0\n").substr(0, 10), "mine.csv: ");
  EXPECT_EQ(problem("0F0,0B0\n2F0,2B0\n"), "mine.csv: no rank has stage 1");
  EXPECT_EQ(problem(""), "mine.csv: no actions; expected a row of them for each rank");
  EXPECT_THAT(problem("0F0,3F0,0B0,3B0\n1F0,1B0,2F0,2B0,4F0,4B0\n"), HasSubstr("known are linear"));
}

TEST(TorchCsv, AFewCellsDontAskForGigabytes) {
  std::string stages;
  for (int stage = 0; stage < 20000; ++stage) stages += std::to_string(stage) + "F1048575,";
  EXPECT_THAT(problem(stages), HasSubstr("20000 stages and 1048576 micro-batches need 20971520000 forward passes"));
}

TEST(TorchCsv, TransfersAreChecked) {
  EXPECT_EQ(problem("0F0,0SEND_F0,0RECV_B0,0B0\n1RECV_F0,1F0,1B0,1SEND_B0\n"), "");
  EXPECT_EQ(problem("0F0,0RECV_B0,0B0\n1RECV_F0,1F0,1B0,1SEND_B0\n"), "mine.csv: rank 0: 0SEND_F0 is missing");
}

TEST(TorchCsv, CopiesOfAStageAreRefusedWithTheNearest) {
  const Placement placement = Placement::bidirectional(2, 1).value();
  const RankOrders orders = {{Slot::forward(0, 0), Slot::forward(1, 1), Slot::backward(1, 1), Slot::backward(0, 0)},
                             {Slot::forward(0, 1), Slot::forward(1, 0), Slot::backward(1, 0), Slot::backward(0, 1)}};
  const Schedule schedule = Schedule::create(placement, std::vector<uint16_t>{0, 1}, orders).value();
  const auto csv = schedule_to_torch_csv(schedule, TorchCsvFormat::kComputeOnly);
  ASSERT_FALSE(csv.has_value());
  EXPECT_EQ(csv.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(csv.error().message, HasSubstr("copies of each stage"));
  EXPECT_THAT(csv.error().message, HasSubstr("nearest that it can express is dualpipev"));
}

}  // namespace
}  // namespace pipeloom::proto
