#include "planner/app/choose_subject.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/planner/app/files.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::planner {
namespace {

using ::testing::HasSubstr;

JobChanges small(const char* schedule) {
  JobChanges changes;
  changes.schedule = schedule;
  changes.ranks = 4;
  changes.micro_batches = 8;
  return changes;
}

TEST(ChooseSubject, WithoutAFileChangesAreTheJob) {
  const auto subject = choose_subject({.changes = small("1f1b")});
  ASSERT_TRUE(subject) << subject.error().message;
  EXPECT_EQ(subject->evaluation.bubble.makespan_ns, 33'000'000);  // (M + P - 1)(F + B), F = 1, B = 2
  JobChanges none;
  none.ranks = 4;
  EXPECT_THAT(choose_subject({.changes = none}).error().message, HasSubstr("give --ranks and --micro-batches"));
}

TEST(ChooseSubject, ChangesTakeThePlaceOfAJobsFields) {
  const std::string path = PIPELOOM_SOURCE "/samples/learning.txtpb";
  JobChanges changes = small("gpipe");
  changes.micro_batches = 3;
  const auto subject = choose_subject({.path = path, .changes = changes});
  ASSERT_TRUE(subject) << subject.error().message;
  EXPECT_EQ(subject->schedule_name, "gpipe");
  EXPECT_EQ(subject->evaluation.schedule.micro_batches(), 3);
}

// Each change alone, and what has fixed it.
TEST(ChooseSubject, WhatIsFixedIsNotChanged) {
  const tests::TempFolder folder;
  const std::string plan = folder.file("a.plan", tests::plan_bytes());
  const std::string schedule = folder.file("a.csv", "0F0,0B0\n");
  const auto refusal = [](const std::string& path, void (*change)(JobChanges&)) {
    JobChanges changes;
    change(changes);
    const auto subject = choose_subject({.path = path, .changes = changes});
    return subject ? "" : subject.error().message;
  };
  void (*const order[])(JobChanges&) = {
      [](JobChanges& it) { it.schedule = "gpipe"; }, [](JobChanges& it) { it.ranks = 1; },
      [](JobChanges& it) { it.micro_batches = 1; },  [](JobChanges& it) { it.chunks = 1; },
      [](JobChanges& it) { it.group = 1; },          [](JobChanges& it) { it.pipes = 2; },
      [](JobChanges& it) { it.waves = 1; },
  };
  for (const auto change : order) {
    EXPECT_THAT(refusal(plan, change), HasSubstr("can't be combined with a plan, which has fixed it"));
    EXPECT_THAT(refusal(schedule, change), HasSubstr("can't be combined with a schedule, which has fixed it"));
  }
  void (*const costs[])(JobChanges&) = {
      [](JobChanges& it) { it.times.emplace(); },
      [](JobChanges& it) { it.weight_share_millionths = 0; },
      [](JobChanges& it) { it.expert_load_csv = "x.csv"; },
  };
  for (const auto change : costs) {
    EXPECT_THAT(refusal(plan, change), HasSubstr("can't be combined with a plan, which has fixed it"));
  }
  EXPECT_EQ(refusal(plan, [](JobChanges& it) { it.receive_depth = 1; }), "");
}

TEST(ChooseSubject, AJobIsWantedForWhatOnlyJobsCan) {
  const tests::TempFolder folder;
  EXPECT_THAT(choose_job({.path = folder.file("a.csv", "0F0,0B0\n")}).error().message,
              HasSubstr("a.csv is a schedule of PyTorch; expected a job (.txtpb, .json)"));
}

}  // namespace
}  // namespace pipeloom::planner
