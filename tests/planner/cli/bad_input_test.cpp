// Everything that a person can get wrong: a clear line on standard error, the exit code, and no file touched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

void expect_refused(const std::string& line, const std::string& message) {
  const auto result = run_command(line);
  EXPECT_EQ(result.code, 1) << line;
  EXPECT_EQ(result.out, "") << line;
  EXPECT_THAT(result.err, StartsWith("pipeloom: ")) << line;
  EXPECT_THAT(result.err, HasSubstr(message)) << line;
}

void expect_bad_usage(const std::string& line, const std::string& message) {
  const auto result = run_command(line);
  EXPECT_EQ(result.code, 2) << line;
  EXPECT_THAT(result.err, HasSubstr(message)) << line;
}

// The job `text` as a file, compared.
CommandResult compare_job(const std::string& text, const std::string& name = "job.txtpb") {
  const TempFolder folder;
  std::ofstream(folder.path(name)) << text;
  return run_command({"compare", folder.path(name)});
}

void expect_job_refused(const std::string& text, const std::string& message) {
  const auto result = compare_job(text);
  EXPECT_EQ(result.code, 1) << text;
  EXPECT_THAT(result.err, HasSubstr(message)) << text;
}

const char* const kGoodJob = R"(layout { pipeline: 4 } micro_batches: 8 costs { f_ms: 1 i_ms: 1 w_ms: 1 })";

TEST(BadInput, TheGoodJobIsGood) {
  EXPECT_EQ(compare_job(kGoodJob).code, 0) << compare_job(kGoodJob).err;
}

TEST(BadInput, CommandLineValues) {
  const std::string shape = "simulate --schedule 1f1b --ranks 4 --micro-batches 8 ";
  expect_refused("simulate --schedule 1f1b", "give --ranks and --micro-batches");
  for (const char* option : {"--chunks 0", "--group 0", "--waves -1"})
    expect_refused(shape + option, "allowed are 1 and more");
  expect_refused(shape + "--release I --weight-share 0.5", "give one of them");
  expect_refused("simulate --schedule 1f1b --ranks -1 --micro-batches 8", "-1");
  expect_refused("simulate --schedule 1f1b --ranks 4 --micro-batches -8", "-8");
  expect_refused("simulate --schedule 1f1b --ranks 999999 --micro-batches 8", "999999");
  expect_refused("simulate --schedule 1f1b --ranks 4 --micro-batches 999999999", "999999999");
  expect_refused(shape + "--times F=nan,B=1", "\"nan\" is not a number");
  expect_refused(shape + "--times F=1e3,B=1", "\"1e3\" is not a number");
  expect_refused(shape + "--times F=-1,B=1", "a time can't be negative");
  expect_refused(shape + "--times F=1", "needs F, and I and W or B");
  expect_refused(shape + "--times F=1,B=1,X=2", "\"X=2\" is not a time");
  expect_refused(shape + "--times F=1,F=1,B=2", "F is given twice");
  expect_refused(shape + "--times F=1:1:1,B=2", "has 3 entries");
  expect_refused(shape + "--times F=99999999999,B=2", "F is 99999999999; at most 10000000 is allowed");
  expect_refused(shape + "--times F=1,I=1,W=1,pair=1", "a pair takes at least as long");
  expect_refused(shape + "--weight-share 1.5", "allowed are 0 to 1");
  expect_refused("simulate --schedule chimera --ranks 4 --micro-batches 4 --pipes 3", "2, 4, 6");
}

TEST(BadInput, UnknownScheduleSuggestsTheNearest) {
  expect_refused("simulate --schedule dualpip --ranks 4 --micro-batches 8",
                 "schedule \"dualpip\" is unknown; did you mean \"dualpipe\"?");
}

TEST(BadInput, AScheduleThatCannotRunSaysWhy) {
  expect_refused("simulate --schedule dualpipe --ranks 4 --micro-batches 3", "dualpipe: ");
  expect_refused("simulate --schedule interleaved-1f1b --ranks 2 --micro-batches 4 --p2p blocking",
                 "blocking P2P deadlocks: rank 0");
}

TEST(BadInput, Usage) {
  expect_bad_usage("", "which subcommand?");
  expect_bad_usage("fly", "fly");
  expect_bad_usage("simulate --ranks four", "four");
  expect_bad_usage("simulate --release X", "--release");
  expect_bad_usage("export --ranks 2 --micro-batches 2", "--to is required");
}

TEST(BadInput, JobFields) {
  expect_job_refused("", "job.txtpb");
  expect_job_refused("layout { pipeline: 4 } micro_batches: 8", "model");
  expect_job_refused("layout { pipeline: 4 } costs { f_ms: 1 i_ms: 1 w_ms: 1 }", "micro_batches");
  expect_job_refused(std::string(kGoodJob) + " wings: 2", "wings");
  expect_job_refused("layout { pipeline: 0 } micro_batches: 8 costs { f_ms: 1 i_ms: 1 w_ms: 1 }",
                     "layout.pipeline is 0");
  expect_job_refused("layout { pipeline: -4 } micro_batches: 8 costs { f_ms: 1 i_ms: 1 w_ms: 1 }",
                     "layout.pipeline is -4");
  expect_job_refused("layout { pipeline: 4 } micro_batches: 8 costs { f_ms: nan i_ms: 1 w_ms: 1 }", "nan");
  expect_job_refused("layout { pipeline: 4 } micro_batches: 8 costs { f_ms: inf i_ms: 1 w_ms: 1 }", "inf");
  expect_job_refused("layout { pipeline: 4 } micro_batches: 8 costs { f_ms: -1 i_ms: 1 w_ms: 1 }", "-1");
  expect_job_refused("layout { pipeline: 4 } micro_batches: 8 costs { f_ms: 1e30 i_ms: 1 w_ms: 1 }", "1e+30");
  expect_job_refused(std::string(kGoodJob) + " format_version: 99", "99");
  expect_job_refused(std::string(kGoodJob) + " schedule { name: \"1f2b\" }", "did you mean \"1f1b\"?");
}

// Replaces `from` in the DeepSeek-V3 sample, whose config lies beside it.
CommandResult compare_changed_sample(const std::string& from, const std::string& to) {
  std::stringstream text;
  text << std::ifstream(sample("deepseek-v3")).rdbuf();
  std::string job = text.str();
  const size_t place = job.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  job.replace(place, from.size(), to);
  const size_t config = job.find("models/");
  job.replace(config, 7, std::string(PIPELOOM_SOURCE) + "/samples/models/");
  return compare_job(job);
}

TEST(BadInput, ALayerListThatDoesNotSum) {
  const auto result =
      compare_changed_sample("layout {", "layout { layers_per_stage: [4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4]");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("layers_per_stage sums to 64"));
}

TEST(BadInput, MoreRanksThanLayers) {
  const auto result = compare_changed_sample("layout { pipeline: 16 data: 128 expert: 64 }",
                                             "layout { pipeline: 128 data: 16 expert: 16 }");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("no schedule can run this job"));
  EXPECT_THAT(result.err, HasSubstr("the placement has 128 stages and the model 61 layers"));
}

TEST(BadInput, AnUnknownGpuListsTheKnownOnes) {
  const auto result = compare_changed_sample("\"H800\"", "\"H8000\"");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr(" H800,"));
}

TEST(BadInput, FilesThatAreNotWhatTheyShouldBe) {
  const TempFolder folder;
  const std::string plan = folder.path("good.plan");
  ASSERT_EQ(run_command("plan --ranks 4 --micro-batches 8 -o " + plan).code, 0);
  std::stringstream content;
  content << std::ifstream(plan).rdbuf();
  const std::string good = content.str();

  std::ofstream(folder.path("short.plan")) << good.substr(0, good.size() / 2);
  std::ofstream(folder.path("noise.plan")) << std::string(1000, '\x5a');
  std::ofstream(folder.path("empty.plan"));
  std::filesystem::create_directory(folder.path("folder.plan"));
  expect_refused("show " + folder.path("short.plan"), "short.plan");
  expect_refused("show " + folder.path("noise.plan"), "noise.plan");
  expect_refused("show " + folder.path("empty.plan"), "empty.plan");
  expect_refused("show " + folder.path("folder.plan"), "Is a directory");
  expect_refused("show " + folder.path("missing.plan"), "missing.plan");
  expect_refused("compare " + folder.path("missing.txtpb"), "missing.txtpb");
  expect_refused("compare " + plan, "good.plan is a plan; expected a job (.txtpb, .json)");
}

TEST(BadInput, APlanThatWasChangedAnywhereIsRefused) {
  const TempFolder folder;
  const std::string plan = folder.path("a.plan");
  ASSERT_EQ(run_command("plan --ranks 4 --micro-batches 8 -o " + plan).code, 0);
  const std::string good = content_of(plan);
  for (size_t byte = 0; byte < good.size(); byte += 3) {
    std::string damaged = good;
    damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << byte % 8));
    std::ofstream(plan) << damaged;
    EXPECT_EQ(run_command({"simulate", plan}).code, 1) << "byte " << byte;
  }
}

TEST(BadInput, WhatAPlanHasFixedCannotBeChanged) {
  const TempFolder folder;
  const std::string plan = folder.path("a.plan");
  ASSERT_EQ(run_command("plan --ranks 4 --micro-batches 8 -o " + plan).code, 0);
  for (const char* option : {"--schedule gpipe", "--ranks 2", "--times F=1,B=2", "--release I", "--chunks 2"}) {
    expect_refused("simulate " + plan + " " + option, "can't be combined with a plan");
  }
  EXPECT_EQ(run_command("simulate " + plan + " --receive-depth 1").code, 0);
}

TEST(BadInput, APlanMayNotLookLikeAJob) {
  const TempFolder folder;
  expect_refused("plan --ranks 4 --micro-batches 8 -o " + folder.path("x.json"), ".json and .txtpb are jobs");
  EXPECT_EQ(folder.listing(), "");
}

TEST(BadInput, APlanThatDoesNotFitIsNotWritten) {
  const TempFolder folder;
  const std::string plan = folder.path("a.plan");
  const auto result = run_command({"plan", sample("deepseek-v3"), "--schedule", "gpipe", "-o", plan});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("gpipe does not fit the memory"));
  EXPECT_EQ(folder.listing(), "");
}

TEST(BadInput, ADeviceIsNotReplacedByAFile) {
  expect_refused("export --ranks 2 --micro-batches 2 --to svg -o /dev/null", "it is not a regular file");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(BadInput, ModelsWithoutLinksOrWithAbsurdOnes) {
  const char* const job = R"(
    model { layers: 4 hidden: 64 intermediate: 128 vocabulary: 256 attention { heads: 4 kv_heads: 4 head_dim: 16 } }
    cluster { custom_gpu { name: "x" sms: 100 memory_gbytes: 10 bf16_flops: 1e12 memory_bytes_per_s: 1e11 } %s }
    batch { sequence_length: 128 global_batch: 4 })";
  const auto with = [&](const std::string& cluster) {
    return std::string(job).replace(std::string(job).find("%s"), 2, cluster);
  };
  const auto alone = compare_job(with(""));
  EXPECT_EQ(alone.code, 0) << alone.err;
  EXPECT_THAT(alone.out, Not(HasSubstr("0 ns")));
  expect_job_refused(with("nodes: 2 nic_bytes_per_s: 2e19") + " layout { data: 2 }", "nic_bytes_per_s is 2e+19");
}

TEST(BadInput, TimesThatNoStepCouldHold) {
  expect_refused("simulate --schedule zb-h1 --ranks 1 --micro-batches 1000000 --times F=10000000,I=5000000,W=5000000",
                 "could last longer than 73 years");
}

TEST(BadInput, NumbersThatNoDoubleHolds) {
  const auto result = compare_job(
      R"({"layout":{"pipeline":4},"micro_batches":8,"costs":{"f_ms":[1e400],"i_ms":[1],"w_ms":[1]}})", "job.json");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("1e400"));
}

TEST(BadInput, AnOutputThatCannotBeWrittenLeavesNothingBehind) {
  const TempFolder folder;
  const std::string nowhere = folder.path("no/such/folder/x.plan");
  expect_refused("plan --ranks 4 --micro-batches 8 -o " + nowhere, "no/such/folder");
  std::filesystem::create_directory(folder.path("taken.svg"));
  expect_refused("export --ranks 4 --micro-batches 8 --to svg -o " + folder.path("taken.svg"), "taken.svg");
  EXPECT_TRUE(std::filesystem::is_directory(folder.path("taken.svg")));
}

TEST(BadInput, AnExistingOutputIsLeftAsItWasWhenTheCommandFails) {
  const TempFolder folder;
  const std::string plan = folder.path("keep.plan");
  std::ofstream(plan) << "precious";
  expect_refused("plan --schedule dualpipe --ranks 4 --micro-batches 3 -o " + plan, "dualpipe");
  std::stringstream content;
  content << std::ifstream(plan).rdbuf();
  EXPECT_EQ(content.str(), "precious");
}

TEST(BadInput, ExplainSaysWhatIsAllowed) {
  const std::string shape = "explain --schedule 1f1b --ranks 4 --micro-batches 8 ";
  expect_refused(shape + "--rank 4 --at 1", "--rank is 4; allowed are 0 to 3");
  expect_refused(shape + "--rank 1 --at 99", "--at is 99 ms; allowed is 0 to just before the makespan, 33 ms");
  expect_refused(shape + "--rank 1", "--rank and --at go together");
}

}  // namespace
}  // namespace pipeloom::tests
