#include "planner/app/kind_of_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "proto/trace/trace_io.h"
#include "tests/planner/app/files.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::planner {
namespace {

using ::testing::HasSubstr;
using tests::TempFolder;

constexpr const char* kJobText = "layout { pipeline: 2 } micro_batches: 4 costs { f_ms: 1 i_ms: 1 w_ms: 1 }";
constexpr const char* kJobJson =
    R"({"layout": {"pipeline": 2}, "micro_batches": 4, "costs": {"f_ms": [1], "i_ms": [1], "w_ms": [1]}})";
constexpr const char* kProfileJson = R"({"schemaVersion": 1, "deviceProperties": [], "traceEvents": []})";
constexpr const char* kConfigJson = R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama"})";

std::string as_it_is(const char* content) {
  return content;
}
std::string plan(const char*) {
  return tests::plan_bytes();
}
std::string cut_plan(const char*) {
  return tests::plan_bytes().substr(0, 40);
}
std::string trace(const char*) {
  return tests::trace_bytes();
}
std::string packed(const char* content) {
  return tests::gzipped(content);
}

struct Case {
  const char* name;
  const char* content;
  FileKind kind;
  std::string (*bytes)(const char* content) = as_it_is;  // made when the test runs
};
class KindOfFile : public testing::TestWithParam<Case> {};

TEST_P(KindOfFile, IsRecognised) {
  const TempFolder folder;
  const auto kind = kind_of_file(folder.file(GetParam().name, GetParam().bytes(GetParam().content)));
  ASSERT_TRUE(kind) << kind.error().message;
  EXPECT_EQ(*kind, GetParam().kind) << file_kind_name(*kind);
}
INSTANTIATE_TEST_SUITE_P(
    ByName, KindOfFile,
    testing::Values(Case{"a.txtpb", kJobText, FileKind::kJob}, Case{"a.csv", "0F0,0B0\n", FileKind::kSchedule},
                    Case{"a.sh", "torchrun pretrain_gpt.py", FileKind::kLaunch},
                    Case{"a.txt", "--num-layers 4", FileKind::kLaunch},
                    Case{"a.args", "--num-layers 4", FileKind::kLaunch}, Case{"a.plan", "damaged", FileKind::kPlan},
                    Case{"a.trace", "damaged", FileKind::kTrace}, Case{"a.json", "{", FileKind::kJob},
                    Case{"a.json.gz", "damaged", FileKind::kProfile}));
INSTANTIATE_TEST_SUITE_P(ByContent, KindOfFile,
                         testing::Values(Case{"a.json", kJobJson, FileKind::kJob},
                                         Case{"a.json", kProfileJson, FileKind::kProfile},
                                         Case{"a.json", "[{\"ph\": \"X\"}]", FileKind::kProfile},
                                         Case{"a.json", kConfigJson, FileKind::kModelConfig},
                                         Case{"a.json.gz", kProfileJson, FileKind::kProfile, packed},
                                         Case{"launch", "#!/bin/bash\ntorchrun", FileKind::kLaunch}));
// A name says less than what is inside.
INSTANTIATE_TEST_SUITE_P(
    Misnamed, KindOfFile,
    testing::Values(Case{"a.trace", kProfileJson, FileKind::kProfile}, Case{"a.txt", kProfileJson, FileKind::kProfile},
                    Case{"a.gz", kProfileJson, FileKind::kProfile, packed},
                    Case{"a.csv", kConfigJson, FileKind::kModelConfig}, Case{"a", "", FileKind::kPlan, plan},
                    Case{"a.json", "", FileKind::kPlan, plan}, Case{"a.csv", "", FileKind::kPlan, cut_plan},
                    Case{"a.plan", "", FileKind::kTrace, trace}));

// The keys that tell files apart may come late, but not those of objects inside.
TEST(KindOfJson, InnerKeysDoNotCount) {
  const TempFolder folder;
  const std::string job =
      folder.file("job.json", R"({"name": "traceEvents", "model": {"model_type": 1}, "layout": {}})");
  EXPECT_EQ(*kind_of_file(job), FileKind::kJob);
  const std::string late =
      folder.file("late.json", "{\"metadata\": \"" + std::string(60'000, 'x') + "\", \"traceEvents\": []}");
  EXPECT_EQ(*kind_of_file(late), FileKind::kProfile);
}

// What a command expects decides where nothing else does.
TEST(KindOfJson, WithoutKnownKeysIsWhatIsExpected) {
  const TempFolder folder;
  const std::string path = folder.file("a.json", R"({"unknown": 1})");
  EXPECT_EQ(*kind_of_file(path, {FileKind::kSchedule, FileKind::kProfile}), FileKind::kProfile);
  EXPECT_EQ(*kind_of_file(path, {FileKind::kJob}), FileKind::kJob);
}

void expect_refused(const std::string& path, std::initializer_list<FileKind> expected, const std::string& message) {
  const auto kind = kind_of_file(path, expected);
  ASSERT_FALSE(kind) << path << " is " << file_kind_name(*kind);
  EXPECT_THAT(kind.error().message, HasSubstr(message));
  EXPECT_THAT(kind.error().message, HasSubstr(path));
}

TEST(KindOfFileRefuses, AnotherKindWithWhatWasExpected) {
  const TempFolder folder;
  expect_refused(folder.file("a.plan", tests::plan_bytes()), {FileKind::kJob},
                 "a.plan is a plan; expected a job (.txtpb, .json)");
  expect_refused(folder.file("a.json", kProfileJson), {FileKind::kJob, FileKind::kPlan, FileKind::kSchedule},
                 "a.json is a profile of PyTorch; expected a job (.txtpb, .json), a plan (.plan) or a schedule of "
                 "PyTorch (.csv)");
  expect_refused(folder.file("b.json", kJobJson), {FileKind::kTrace, FileKind::kProfile}, "b.json is a job; expected");
}

TEST(KindOfFileRefuses, WhatMustBecomeAJobFirst) {
  const TempFolder folder;
  expect_refused(folder.file("train.sh", "torchrun"), {FileKind::kJob}, "pipeloom import " + folder.path("train.sh"));
  expect_refused(folder.file("config.json", kConfigJson), {FileKind::kJob}, "huggingface_config: \"");
}

TEST(KindOfFileRefuses, EmptyMissingAndUnreadableFiles) {
  const TempFolder folder;
  for (const char* name : {"a.txtpb", "a.json", "a.csv", "a.plan", "a.trace", "a.sh", "a"}) {
    expect_refused(folder.file(name, ""), {FileKind::kJob}, std::string(name) + " is empty; expected a job");
  }
  expect_refused(folder.path("none.txtpb"), {FileKind::kJob}, "No such file");
  expect_refused(folder.path(""), {FileKind::kJob}, "Is a directory");
}

TEST(KindOfFileRefuses, BinaryGarbageWithoutAName) {
  const TempFolder folder;
  for (const std::string& noise : {std::string(1000, '\x5a'), std::string(1000, '\0'), std::string("\x1f\x8b garbage"),
                                   std::string("\xff\xfe\x00\x01", 4), std::string("\n\rpipeloom")}) {
    const auto kind = kind_of_file(folder.file("noise", noise));
    ASSERT_FALSE(kind);
    EXPECT_THAT(kind.error().message, HasSubstr(folder.path("noise")));
  }
  expect_refused(folder.file("a.dat", "noise"), {FileKind::kSchedule}, "unknown kind of file; expected a schedule");
}

TEST(KindOfFileRefuses, GzippedFilesThatNoReaderUnpacks) {
  const TempFolder folder;
  expect_refused(folder.file("job.json.gz", tests::gzipped(kJobJson)), {FileKind::kJob}, "unpack it with gunzip");
  expect_refused(folder.file("job.txtpb.gz", tests::gzipped("name: 'a'")), {FileKind::kJob}, "unpack it with gunzip");
  expect_refused(folder.file("a.plan", tests::gzipped(tests::plan_bytes())), {FileKind::kPlan},
                 "unpack it with gunzip");
}

TEST(KindOfFileRefuses, AJsonJobWithoutTheEndingThatItsReaderNeeds) {
  const TempFolder folder;
  expect_refused(folder.file("job.txtpb", kJobJson), {FileKind::kJob}, "the name of such a file ends in .json");
}

// Reading of a pipe would take from its reader what comes first.
TEST(KindOfFile, APipeIsLeftUnread) {
  const TempFolder folder;
  ASSERT_EQ(mkfifo(folder.path("pipe").c_str(), 0600), 0);
  const auto kind = kind_of_file(folder.path("pipe"));
  ASSERT_TRUE(kind) << kind.error().message;
  EXPECT_EQ(*kind, FileKind::kPlan);
  EXPECT_EQ(kind_of_file(folder.path("pipe"), {FileKind::kTrace, FileKind::kProfile}).value(), FileKind::kTrace);
  const auto job = kind_of_file(folder.path("pipe"), {FileKind::kJob});
  ASSERT_FALSE(job);
  EXPECT_THAT(job.error().message, HasSubstr("unknown kind of file; expected a job"));
}

}  // namespace
}  // namespace pipeloom::planner
