#include "planner/app/save_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planner/app/choose_subject.h"
#include "planner/app/open_as.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::planner {
namespace {

using ::testing::HasSubstr;
using tests::TempFolder;

Subject sample_subject(const std::string& name, const std::string& schedule) {
  SubjectSource source = {.path = PIPELOOM_SOURCE "/samples/" + name};
  source.changes.schedule = schedule;
  return choose_subject(source).value();
}

TEST(SavePlan, IsOpenedAsItWasSaved) {
  const TempFolder folder;
  const Subject subject = sample_subject("learning.txtpb", "1f1b");
  ASSERT_TRUE(save_plan(subject, folder.path("a.plan")).has_value());
  const auto plan = open_plan(folder.path("a.plan"));
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->schedule_name, "1f1b");
  EXPECT_EQ(plan->job, subject.job);
}

TEST(SavePlan, AJobsNameIsRefused) {
  const TempFolder folder;
  const Subject subject = sample_subject("learning.txtpb", "1f1b");
  for (const char* name : {"a.json", "a.txtpb"}) {
    const Status saved = save_plan(subject, folder.path(name));
    ASSERT_FALSE(saved);
    EXPECT_THAT(saved.error().message, HasSubstr(std::string(name) + ": .json and .txtpb are jobs"));
  }
  EXPECT_EQ(folder.listing(), "");
}

TEST(SavePlan, WhatDoesNotFitIsRefusedAndTheFileStays) {
  const TempFolder folder;
  const std::string path = folder.file("keep.plan", "precious");
  const Status saved = save_plan(sample_subject("deepseek-v3.txtpb", "gpipe"), path);
  ASSERT_FALSE(saved);
  EXPECT_THAT(saved.error().message, HasSubstr("gpipe does not fit the memory: its fullest rank needs"));
  EXPECT_EQ(tests::content_of(path), "precious");
}

}  // namespace
}  // namespace pipeloom::planner
