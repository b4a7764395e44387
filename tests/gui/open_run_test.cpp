#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gui/models/document.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::gui {
namespace {

using ::testing::HasSubstr;

// Of the four slots of one rank's 1F1B, F0 took 2 ms, B0 4 ms; an all-to-all runs beside the second half of F0.
constexpr const char* kRun =
    R"({"deviceProperties": [{"id": 0, "numSms": 132}], "distributedInfo": {"rank": 0}, "traceEvents": [
  {"ph":"X","cat":"gpu_user_annotation","name":"PP:0F0","pid":0,"tid":7,"ts":0,"dur":2000},
  {"ph":"X","cat":"gpu_user_annotation","name":"PP:0B0","pid":0,"tid":7,"ts":2000,"dur":4000},
  {"ph":"X","cat":"kernel","name":"gemm","pid":0,"tid":7,"ts":0,"dur":2000,"args":{"stream":7,"grid":[112,1,1]}},
  {"ph":"X","cat":"kernel","name":"gemm","pid":0,"tid":7,"ts":2000,"dur":4000,"args":{"stream":7,"grid":[112,1,1]}},
  {"ph":"X","cat":"kernel","name":"deep_ep::dispatch","pid":0,"tid":27,"ts":1000,"dur":1000,
   "args":{"stream":27,"grid":[20,1,1]}}]})";

const PictureLane& lane(const Picture& picture, LaneRole role) {
  for (const PictureLane& it : picture.ranks.at(0).lanes) {
    if (it.role == role) return it;
  }
  throw std::runtime_error("no such lane");
}

TEST(OpenRun, AProfileIsShownKernelByKernel) {
  const tests::TempFolder folder;
  const auto document = open_document(folder.file("run.json", kRun), {});
  ASSERT_TRUE(document.has_value()) << document.error().message;
  const Picture& picture = *(*document)->picture;
  EXPECT_EQ(picture.title, "rank 0");
  EXPECT_EQ(lane(picture, LaneRole::kComponents).spans.size(), 2U);
  const auto& exchange = lane(picture, LaneRole::kCommunication).spans;
  ASSERT_EQ(exchange.size(), 1U);
  EXPECT_EQ(exchange[0].begin_ns, 1'000'000);
  EXPECT_EQ(exchange[0].end_ns, 2'000'000);
  EXPECT_EQ(picture.label(picture, lane(picture, LaneRole::kCommunication), exchange[0], false), "dispatch");
  const PictureLane& passes = lane(picture, LaneRole::kPasses);
  EXPECT_EQ(picture.label(picture, passes, passes.spans[1], false), "I");
  EXPECT_EQ((*document)->step, nullptr);
}

TEST(OpenRun, LaidOverAPlanItIsCompared) {
  const tests::TempFolder folder;
  const auto plan = open_document(folder.file("mine.csv", "0F0,0B0\n"), {});
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  const auto compared = with_trace(**plan, folder.file("run.json", kRun));
  ASSERT_TRUE(compared.has_value()) << compared.error().message;
  EXPECT_EQ((*compared)->diff->executed_step_ns, 6'000'000);
  EXPECT_EQ((*compared)->diff->ranks.at(0).executed.busy_ns, 6'000'000);
  const auto other = open_document(folder.file("other.csv", "0F1,0F0,0B1,0B0\n"), {});
  ASSERT_TRUE(other.has_value());
  const std::string elsewhere = folder.file("else.json", R"({"traceEvents": [
    {"ph":"X","cat":"user_annotation","name":"PP:5F9","pid":0,"tid":7,"ts":0,"dur":2000}]})");
  EXPECT_THAT(with_trace(**other, elsewhere).error().message, HasSubstr("F9 of stage 5, which the plan does not have"));
}

TEST(OpenRun, ALaunchIsNotYetAJob) {
  const tests::TempFolder folder;
  const std::string path = folder.file("train.sh", "torchrun pretrain_gpt.py");
  EXPECT_THAT(open_document(path, {}).error().message, HasSubstr("pipeloom import " + path + " --gpu H100"));
}

}  // namespace
}  // namespace pipeloom::gui
