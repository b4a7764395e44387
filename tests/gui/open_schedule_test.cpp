#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gui/models/document.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::gui {
namespace {

TEST(OpenSchedule, APyTorchScheduleIsASubjectLikeOthers) {
  const tests::TempFolder folder;
  const auto document = open_document(folder.file("mine.csv", "0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n"), {});
  ASSERT_TRUE(document.has_value()) << document.error().message;
  const planner::Subject& subject = (*document)->step->subject;
  EXPECT_EQ(subject.evaluation.schedule.ranks(), 2);
  EXPECT_EQ(subject.evaluation.bubble.makespan_ns, 9'000'000);  // (M + P - 1)(F + B), F = 1, B = 2
  EXPECT_FALSE((*document)->is_plan_file);                      // "save" must not write a plan over it
}

TEST(OpenSchedule, ABrokenOneIsSaidWithItsPlace) {
  const tests::TempFolder folder;
  const auto document = open_document(folder.file("mine.csv", "0F0,0X0\n"), {});
  ASSERT_FALSE(document.has_value());
  EXPECT_THAT(document.error().message, testing::HasSubstr("mine.csv:1:5: \"0X0\" is no action"));
}

}  // namespace
}  // namespace pipeloom::gui
