#include "planner/app/open_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "planner/app/open_as.h"
#include "tests/planner/app/files.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::planner {
namespace {

using ::testing::HasSubstr;
using tests::TempFolder;

namespace fs = std::filesystem;

TEST(OpenFile, EverySampleIsASubject) {
  int jobs = 0;
  for (const auto& entry : fs::directory_iterator(PIPELOOM_SOURCE "/samples")) {
    if (entry.path().extension() != ".txtpb") continue;
    const auto opened = open_file(entry.path().string());
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->kind, FileKind::kJob);
    EXPECT_TRUE(std::holds_alternative<Subject>(opened->content));
    ++jobs;
  }
  EXPECT_GE(jobs, 6);
}

TEST(OpenFile, EverySampleOfAModelMustBeNamedInAJob) {
  int models = 0;
  for (const auto& entry : fs::directory_iterator(PIPELOOM_SOURCE "/samples/models")) {
    const auto opened = open_file(entry.path().string());
    ASSERT_FALSE(opened) << entry.path();
    EXPECT_THAT(opened.error().message, HasSubstr("is a HuggingFace config")) << entry.path();
    ++models;
  }
  EXPECT_GE(models, 12);
}

TEST(OpenFile, HoldsWhatItsKindSays) {
  const TempFolder folder;
  const auto plan = open_file(folder.file("a.plan", tests::plan_bytes()));
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(std::get<Subject>(plan->content).schedule_name, "1f1b");
  const auto schedule = open_file(folder.file("mine.csv", "0F0,0B0\n"));
  ASSERT_TRUE(schedule) << schedule.error().message;
  EXPECT_EQ(std::get<Subject>(schedule->content).schedule_name, "mine");
  const auto trace = open_file(folder.file("a.trace", tests::trace_bytes()));
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(std::get<proto::TraceReader>(trace->content).name(), "run");
  const char* const kernel = R"([{"ph":"X","cat":"kernel","name":"gemm","pid":0,"tid":7,"ts":0,"dur":2}])";
  for (const std::string& path :
       {folder.file("run.json", kernel), folder.file("run.json.gz", tests::gzipped(kernel))}) {
    const auto run = open_file(path);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_EQ(std::get<ProfiledRun>(run->content).kernels.size(), 1U);
  }
}

TEST(OpenFile, WhatIsCutOffIsRefusedByItsName) {
  const TempFolder folder;
  const std::string plan = tests::plan_bytes();
  const std::string trace = tests::trace_bytes();
  const std::pair<const char*, std::string> cut[] = {
      {"a.plan", plan.substr(0, plan.size() / 2)},
      {"a.trace", trace.substr(0, trace.size() / 2)},
      {"a.csv", "0F0,0B"},
      {"a.json", R"({"layout": {"pipeline": )"},
      {"run.json", R"({"traceEvents": [{"ph": "X")"},
      {"a.txtpb", "layout { pipeline: "},
  };
  for (const auto& [name, content] : cut) {
    const std::string path = folder.file(name, content);
    const auto opened = open_file(path);
    ASSERT_FALSE(opened) << name;
    EXPECT_THAT(opened.error().message, HasSubstr(path));
  }
}

TEST(OpenFile, ErrorsNameTheFileOnce) {
  const TempFolder folder;
  const std::string paths[] = {
      folder.file(
          "a.txtpb",
          "layout { pipeline: 4 } micro_batches: 3 costs { f_ms: 1 i_ms: 1 w_ms: 1 } schedule { name: \"dualpipe\" }"),
      folder.file(
          "b.txtpb",
          "layout { pipeline: 4 } micro_batches: 8 costs { f_ms: 1 i_ms: 1 w_ms: 1 } schedule { name: \"1f2b\" }"),
      folder.file("c.txtpb", "layout { pipeline: 0 }"),
      folder.file("d.csv", "0F0\n"),
      folder.file("e.plan", "noise"),
      folder.file("f.json", R"({"traceEvents": []})"),
  };
  for (const std::string& path : paths) {
    const auto opened = open_file(path);
    ASSERT_FALSE(opened) << path;
    const std::string& message = opened.error().message;
    EXPECT_NE(message.find(path), std::string::npos) << message;
    EXPECT_EQ(message.find(path), message.rfind(path)) << message;
  }
}

TEST(OpenAs, RefusesAnotherKind) {
  const TempFolder folder;
  const std::string plan = folder.file("a.plan", tests::plan_bytes());
  const std::string trace = folder.file("a.trace", tests::trace_bytes());
  EXPECT_THAT(open_job(plan).error().message, HasSubstr("is a plan; expected a job"));
  EXPECT_THAT(open_plan(trace).error().message, HasSubstr("is a trace; expected a plan"));
  EXPECT_THAT(open_profile(trace).error().message, HasSubstr("is a trace; expected a profile"));
  EXPECT_TRUE(open_plan(plan));
}

}  // namespace
}  // namespace pipeloom::planner
