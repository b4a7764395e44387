#include "proto/kineto/kineto.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

#include "proto/kineto/microseconds.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::proto {
namespace {

using ::testing::HasSubstr;
using tests::TempFolder;

constexpr const char* kTwoKernels = R"({
  "schemaVersion": 1,
  "deviceProperties": [{"id": 0, "name": "NVIDIA H800", "numSms": 132}],
  "distributedInfo": {"backend": "nccl", "rank": 3, "world_size": 64},
  "traceEvents": [
    {"ph": "M", "name": "process_name", "pid": 0, "tid": 0, "args": {"name": "python"}},
    {"ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 9, "tid": 9, "ts": 1, "dur": 2, "args": {"grid": [1]}},
    {"ph": "X", "cat": "kernel", "name": "gemm", "pid": 0, "tid": 7, "ts": 1717000000123456.789, "dur": 10.250,
     "args": {"stream": 7, "grid": [28, 4, 1], "block": [256, 1, 1], "nested": {"grid": [5]}}},
    {"ph": "X", "cat": "kernel", "name": "dpsk::ep::dispatch", "pid": 0, "tid": 27, "ts": 1717000000123450, "dur": 5,
     "args": {"stream": 27, "grid": [20, 1, 1]}},
    {"ph": "X", "cat": "gpu_memcpy", "name": "Memcpy DtoD", "pid": 0, "tid": 7, "ts": 1717000000123470, "dur": 1,
     "args": {"stream": 7, "bytes": 128}},
    {"ph": "X", "cat": "gpu_user_annotation", "name": "PP:0F0", "pid": 0, "tid": 7, "ts": 1717000000123449, "dur": 30},
    {"ph": "X", "cat": "user_annotation", "name": "Optimizer.step", "pid": 9, "tid": 9, "ts": 0, "dur": 3},
    {"ph": "s", "id": 1, "pid": 9, "tid": 9, "ts": 1, "cat": "ac2g", "name": "ac2g"}
  ],
  "traceName": "x.json"
})";

Result<ProfiledRun> read(const std::string& json, const std::string& name = "run.json") {
  const tests::TempFolder folder;
  return read_kineto(folder.file(name, json));
}

std::string problem(const std::string& json) {
  const auto run = read(json);
  if (run) return "";
  const std::string& message = run.error().message;
  return message.substr(message.find("run.json") + 8);
}

TEST(Kineto, KeepsKernelsCopiesAndPipelineRanges) {
  const auto run = read(kTwoKernels);
  ASSERT_TRUE(run.has_value()) << run.error().message;
  EXPECT_EQ(run->sms, 132);
  EXPECT_EQ(run->rank, 3);
  ASSERT_EQ(run->kernels.size(), 3U);
  const ProfiledRun::Kernel& dispatch = run->kernels[0];
  const ProfiledRun::Kernel& gemm = run->kernels[1];
  EXPECT_EQ(run->names[dispatch.name], "dpsk::ep::dispatch");
  EXPECT_EQ(run->streams[dispatch.stream], (ProfiledRun::Stream{0, 27}));
  EXPECT_EQ(dispatch.blocks, 20U);
  EXPECT_EQ(gemm.blocks, 112U);
  EXPECT_EQ(gemm.begin_ns - dispatch.begin_ns, 6'789);
  EXPECT_EQ(gemm.end_ns - gemm.begin_ns, 10'250);
  EXPECT_EQ(run->kernels[2].blocks, 0U);
  ASSERT_EQ(run->ranges.size(), 1U);
  EXPECT_EQ(run->ranges[0].slot, Slot::forward(0, 0));
  EXPECT_TRUE(run->ranges[0].on_gpu);
}

TEST(Kineto, ReadsABareListOfEvents) {
  const auto run = read(
      R"([{"name":"gemm","ph":"X","cat":"kernel","pid":0,"tid":7,"ts":5,"dur":2,"args":{"stream":7,"grid":[3,1,1]}}])");
  ASSERT_TRUE(run.has_value()) << run.error().message;
  ASSERT_EQ(run->kernels.size(), 1U);
  EXPECT_EQ(run->kernels[0].blocks, 3U);
}

std::string gzipped(const tests::TempFolder& folder, const std::string& text) {
  const std::string path = folder.path("run.json.gz");
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return path;
}

// Longer than what is read at a time, so that values lie across its borders.
std::string many_kernels(int count) {
  std::string json = R"({"traceEvents":[)";
  for (int i = 0; i < count; ++i) {
    fmt::format_to(std::back_inserter(json),
                   R"({}{{"ph":"X","cat":"kernel","name":"kernel{}","pid":0,"tid":7,"ts":{}.125,"dur":2.5,)"
                   "\n"
                   R"("args":{{"stream":7,"grid":[{},2,1]}}}})",
                   i == 0 ? "" : ",", i % 10, i * 10, 1 + i % 100);
  }
  return json + "]}";
}

TEST(Kineto, GzippedOrNotIsTheSame) {
  const tests::TempFolder folder;
  const std::string json = many_kernels(50'000);
  const auto plain = read_kineto(folder.file("run.json", json));
  const auto packed = read_kineto(gzipped(folder, json));
  ASSERT_TRUE(plain.has_value()) << plain.error().message;
  ASSERT_TRUE(packed.has_value()) << packed.error().message;
  ASSERT_EQ(plain->kernels.size(), 50'000U);
  ASSERT_EQ(packed->kernels.size(), 50'000U);
  for (size_t i = 0; i < plain->kernels.size(); ++i) {
    ASSERT_EQ(plain->kernels[i].begin_ns, static_cast<int64_t>(i) * 10'000 + 125);
    ASSERT_EQ(plain->kernels[i].blocks, 2 * (1 + i % 100));
    ASSERT_EQ(packed->kernels[i].begin_ns, plain->kernels[i].begin_ns);
  }
}

TEST(Kineto, ATruncatedFileIsRefusedWithItsPlace) {
  const tests::TempFolder folder;
  const std::string json = many_kernels(30'000);
  const std::string cut = json.substr(0, json.size() / 2);
  const auto half = read_kineto(folder.file("run.json", cut));
  ASSERT_FALSE(half.has_value());
  EXPECT_THAT(half.error().message, HasSubstr(fmt::format("run.json:{}:", 1 + std::ranges::count(cut, '\n'))));
  const std::string packed = gzipped(folder, json);
  const std::string bytes = tests::content_of(packed);
  EXPECT_FALSE(read_kineto(folder.file("cut.json.gz", bytes.substr(0, bytes.size() / 2))).has_value());
}

TEST(Kineto, ErrorsGiveLineAndColumn) {
  EXPECT_THAT(problem("{\n  \"traceEvents\": [\n    {\"ph\": X}\n]}"), HasSubstr(":3:12: Invalid value"));
  EXPECT_THAT(problem(""), HasSubstr(":1:1: The document is empty"));
  EXPECT_THAT(problem("{}"), HasSubstr(": no traceEvents"));
  const auto event = [](const std::string& fields) {
    return R"({"traceEvents":[{"ph":"X","cat":"kernel","name":"k",)" + fields + "}]}";
  };
  EXPECT_THAT(problem(event(R"("ts":1,"dur":-1)")), HasSubstr("dur is below 0"));
  EXPECT_THAT(problem(event(R"("dur":1)")), HasSubstr("an event without ts"));
  EXPECT_THAT(problem(event(R"("ts":1e300,"dur":1)")), HasSubstr("1e300 is no time in microseconds"));
  EXPECT_THAT(problem(event(R"("ts":1,"dur":1,"args":{"grid":[1,2,3,4]})")), HasSubstr("a grid has three sides"));
  EXPECT_THAT(problem(event(R"("ts":1,"dur":1,"args":{"stream":1.5})")), HasSubstr("1.5 is no whole number"));
}

TEST(Kineto, HostileFilesDontFillTheMemory) {
  EXPECT_THAT(problem(std::string(1'000'000, '[')), HasSubstr("more than 64 objects and lists in each other"));
  EXPECT_THAT(problem("{\"a\": \"" + std::string(40'000'000, 'x')), HasSubstr("a value is longer than 16777216 bytes"));
}

TEST(Microseconds, AreExact) {
  int64_t ns = 0;
  const std::pair<const char*, int64_t> cases[] = {
      {"0", 0},         {"1", 1000},    {"1.5", 1500},      {"1.0009", 1000},
      {"-1.25", -1250}, {"-0.5", -500}, {"2.5e3", 2500000}, {"1717000000123456.789", 1717000000123456789}};
  for (const auto& [text, expected] : cases) {
    EXPECT_TRUE(parse_microseconds(text, &ns)) << text;
    EXPECT_EQ(ns, expected) << text;
  }
  EXPECT_FALSE(parse_microseconds("9999999999999999", &ns));
}

}  // namespace
}  // namespace pipeloom::proto
