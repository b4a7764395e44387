// Runs of PyTorch's profiler: the measured DeepSeek-V3 chunk as its profile has it, and ranges joined with a plan.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>
#include <sstream>

#include "planner/interchange/run_streams.h"
#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {
namespace {

using ::testing::HasSubstr;

std::string event(const std::string& category, const std::string& name, int stream, double begin_us, double us,
                  int blocks) {
  return fmt::format(
      R"({{"ph":"X","cat":"{}","name":"{}","pid":0,"tid":{},"ts":{:.3f},"dur":{:.3f},"args":{{"stream":{},"grid":[{},1,1]}}}})",
      category, name, stream, begin_us, us, stream, blocks);
}

std::string file_of(const std::vector<std::string>& events) {
  return fmt::format(R"({{"deviceProperties":[{{"numSms":132}}],"distributedInfo":{{"rank":0}},"traceEvents":[{}]}})",
                     fmt::join(events, ",\n"));
}

// tests/data/trace/dsv3_train_chunk_split.csv (docs/research/dsv3_chunk.md), written as a profile.
std::string deepseek_chunk() {
  std::ifstream in(PIPELOOM_TEST_DATA "/trace/dsv3_train_chunk_split.csv");
  std::vector<std::string> events;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    std::string lane, component, part, pass, layer, start, duration, sms;
    for (std::string* cell : {&lane, &component, &part, &pass, &layer, &start, &duration, &sms})
      std::getline(cells, *cell, ',');
    const bool communication = lane == "comm";
    events.push_back(event("kernel", (communication ? "dpsk::ep::" : "deep_gemm::") + component, communication ? 27 : 7,
                           std::stod(start), std::stod(duration), std::stoi(sms)));
  }
  return file_of(events);
}

// Span, communication and its SMs are as measured. Compute is there by component, the gaps between the kernels of one
// filled: 126,447 us, where the kernels themselves took 124,286.
TEST(KinetoImport, TheDeepSeekChunkIsSummarisedAsMeasured) {
  const TempFolder folder;
  const auto result = run_command({"import", folder.file("chunk.json", deepseek_chunk()), "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = result.json();
  EXPECT_DOUBLE_EQ(json["span"], 129.012);
  EXPECT_DOUBLE_EQ(json["compute_busy"], 126.447);
  EXPECT_DOUBLE_EQ(json["communication_busy"], 114.521);
  EXPECT_DOUBLE_EQ(json["communication_hidden"], 112.026);
  EXPECT_EQ(json["communication_sms"], 20);
  ASSERT_EQ(json["streams"].size(), 2U);
  for (const auto& stream : json["streams"]) EXPECT_EQ(stream["communication"], stream["stream"] == 27);
}

TEST(KinetoImport, KernelsBesideCommunicationAreComparedWithThoseAlone) {
  std::vector<std::string> events;
  for (int i = 0; i < 4; ++i) {
    events.push_back(event("kernel", "gemm", 7, i * 100, 20, 112));       // beside
    events.push_back(event("kernel", "gemm", 7, i * 100 + 50, 16, 112));  // alone
    events.push_back(event("kernel", "gemm", 7, i * 100 + 25, 19, 112));  // half beside: says nothing
    events.push_back(event("kernel", "ncclDevKernel_SendRecv", 27, i * 100 - 1, 30, 200));
  }
  const TempFolder folder;
  const auto result = run_command({"import", folder.file("run.json", file_of(events))});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("beside communication compute takes 1.25 times as long"));
  EXPECT_THAT(result.out, HasSubstr("communication occupies 132 SMs of 132"));  // of 200 blocks no more run at once
}

TEST(KinetoImport, KernelsOfGroupsAreKnownByTheirNames) {
  EXPECT_TRUE(planner::communicates("ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)"));
  EXPECT_TRUE(planner::communicates("void deep_ep::internode::dispatch<false, 8>()"));
  EXPECT_FALSE(planner::communicates("void deep_gemm::fp8_gemm_kernel<7168u>()"));
}

// A step of tiny-moe's 1F1B in which every slot takes `scale` times as long as planned.
std::string ranges_of(const std::string& plan, double scale) {
  std::vector<std::string> events;
  const auto order = run_command({"export", plan, "--to", "chrome"}).json();
  for (const auto& it : order["traceEvents"]) {
    if (it["ph"] != "X") continue;
    events.push_back(event("gpu_user_annotation",
                           fmt::format("PP:{}{}{}", it["args"]["stage"].get<int>(), it["cat"].get<std::string>(),
                                       it["args"]["micro_batch"].get<int>()),
                           7, it["ts"].get<double>() * scale, it["dur"].get<double>() * scale, 1));
  }
  return file_of(events);
}

class KinetoJoin : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(run_command({"plan", sample("tiny-moe"), "--schedule", "1f1b", "-o", plan_}).code, 0);
  }
  const TempFolder folder_;
  const std::string plan_ = folder_.path("tiny.plan");
};

TEST_F(KinetoJoin, RangesBecomeTasksOfThePlan) {
  const std::string run = folder_.file("run.json", ranges_of(plan_, 2));
  const auto diff = run_command({"diff", plan_, run, "--json"});
  ASSERT_EQ(diff.code, 0) << diff.err;
  const auto json = diff.json();
  for (const auto& kind : json["kinds"]) {
    const double predicted = kind["predicted_median"];
    EXPECT_NEAR(kind["executed_median"].get<double>(), 2 * predicted, 1e-5) << kind;
  }
  EXPECT_GE(json["kinds"].size(), 4U);
}

TEST_F(KinetoJoin, CalibrateMakesLayersOfThem) {
  const auto once = run_command({"calibrate", plan_, folder_.file("once.json", ranges_of(plan_, 1))});
  const auto twice = run_command({"calibrate", plan_, folder_.file("twice.json", ranges_of(plan_, 2))});
  ASSERT_EQ(once.code, 0) << once.err;
  ASSERT_EQ(twice.code, 0) << twice.err;
  std::istringstream first(once.out);
  std::istringstream second(twice.out);
  std::string a, b;
  std::getline(first, a);
  std::getline(second, b);
  EXPECT_EQ(a, "layer,component,f_us,i_us,w_us");
  int rows = 0;
  while (std::getline(first, a) && std::getline(second, b)) {
    std::istringstream row_a(a), row_b(b);
    for (int cell = 0; std::getline(row_a, a, ',') && std::getline(row_b, b, ','); ++cell) {
      if (cell < 2) continue;
      EXPECT_NEAR(2 * std::stod(a), std::stod(b), 0.01);
    }
    ++rows;
  }
  EXPECT_GT(rows, 8);
}

// The measured times of a component's passes as calibrate writes them.
std::map<std::string, std::array<double, 3>> calibrated(const std::string& plan, const std::string& run) {
  const auto result = run_command({"calibrate", plan, run});
  EXPECT_EQ(result.code, 0) << result.err;
  std::istringstream lines(result.out);
  std::map<std::string, std::array<double, 3>> rows;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    std::string layer, component, f, i, w;
    for (std::string* cell : {&layer, &component, &f, &i, &w}) std::getline(cells, *cell, ',');
    rows[layer + " " + component] = {std::stod(f), std::stod(i), std::stod(w)};
  }
  return rows;
}

// A job whose single rank has two MoE layers, experts spread over two GPUs: a dispatch and a combine for each.
class KinetoKernels : public testing::Test {
 protected:
  void SetUp() override {
    const std::string job = folder_.file("moe.txtpb", R"(
      model { layers: 2 hidden: 1024 intermediate: 2048 vocabulary: 1000 attention { heads: 8 kv_heads: 8 }
              moe { routed_experts: 8 experts_per_token: 2 intermediate: 2048 } }
      cluster { gpu: "H100" gpus_per_node: 2 nic_gbytes_per_s: 50 }
      batch { sequence_length: 4096 global_batch: 2 }
      layout { data: 2 expert: 2 }
      schedule { name: "1f1b" })");
    const auto planned = run_command({"plan", job, "-o", plan_});
    ASSERT_EQ(planned.code, 0) << planned.err;
  }
  // Kernels of the forward pass: compute 1000 us in ten, dispatches of 70 and 90 us, the first after a notify of 30,
  // combines of 90 and 110, the last of which ends behind compute.
  std::vector<std::string> forward() const {
    std::vector<std::string> events;
    for (int i = 0; i < 10; ++i) events.push_back(event("kernel", "gemm", 7, 1000 + i * 100, 100, 112));
    events.push_back(event("kernel", "deep_ep::notify_dispatch", 27, 1200, 30, 20));
    events.push_back(event("kernel", "deep_ep::dispatch", 27, 1230, 70, 20));
    events.push_back(event("kernel", "deep_ep::combine", 27, 1400, 90, 20));
    events.push_back(event("kernel", "deep_ep::dispatch", 27, 1600, 90, 20));
    events.push_back(event("kernel", "deep_ep::combine", 27, 1950, 110, 20));
    return events;
  }
  void expect_forward(const std::string& run) const {
    const auto rows = calibrated(plan_, run);
    EXPECT_DOUBLE_EQ(rows.at("0 dispatch")[0], 70);
    EXPECT_DOUBLE_EQ(rows.at("0 combine")[0], 90);
    EXPECT_DOUBLE_EQ(rows.at("1 dispatch")[0], 90);
    EXPECT_DOUBLE_EQ(rows.at("1 combine")[0], 110);
    double compute_us = 0;
    for (const auto& [name, times] : rows) {
      if (name.find("dispatch") == std::string::npos && name.find("combine") == std::string::npos)
        compute_us += times[0];
    }
    EXPECT_NEAR(compute_us, 1000, 1e-6);
  }
  const TempFolder folder_;
  const std::string plan_ = folder_.path("moe.plan");
};

TEST_F(KinetoKernels, GoToTheComponentsThatTheirNamesSay) {
  std::vector<std::string> events = forward();
  events.push_back(event("gpu_user_annotation", "PP:0F0", 7, 999, 1002, 1));
  events.push_back(event("gpu_user_annotation", "PP:0F0", 27, 1199, 862, 1));
  expect_forward(folder_.file("run.json", file_of(events)));
}

TEST_F(KinetoKernels, ARangeOnOneStreamHoldsWhatRunsBesideIt) {
  std::vector<std::string> events = forward();
  events.push_back(event("gpu_user_annotation", "PP:0F0", 7, 999, 1002, 1));
  expect_forward(folder_.file("run.json", file_of(events)));
}

// In the backward pass a combine's transfer is a dispatch, and the other way round.
TEST_F(KinetoKernels, TransfersTurnRoundInTheBackwardPass) {
  std::vector<std::string> events;
  for (int i = 0; i < 10; ++i) events.push_back(event("kernel", "gemm", 7, 1000 + i * 100, 100, 112));
  events.push_back(event("kernel", "deep_ep::dispatch", 27, 1000, 50, 20));
  events.push_back(event("kernel", "deep_ep::combine", 27, 1200, 60, 20));
  events.push_back(event("kernel", "deep_ep::dispatch", 27, 1400, 70, 20));
  events.push_back(event("kernel", "deep_ep::combine", 27, 1600, 80, 20));
  events.push_back(event("gpu_user_annotation", "PP:0B0", 7, 999, 1002, 1));
  const auto rows = calibrated(plan_, folder_.file("run.json", file_of(events)));
  EXPECT_DOUBLE_EQ(rows.at("1 combine")[1], 50);
  EXPECT_DOUBLE_EQ(rows.at("1 dispatch")[1], 60);
  EXPECT_DOUBLE_EQ(rows.at("0 combine")[1], 70);
  EXPECT_DOUBLE_EQ(rows.at("0 dispatch")[1], 80);
}

// Pauses in which the host launches the next kernel belong to the work, longer ones are waits.
TEST_F(KinetoKernels, LongPausesAreNoWork) {
  std::vector<std::string> events;
  double time_us = 1000;
  for (int i = 0; i < 100; ++i) {
    events.push_back(event("kernel", "gemm", 7, time_us, 5, 112));
    time_us += i == 50 ? 505 : 15;
  }
  events.push_back(event("gpu_user_annotation", "PP:0F0", 7, 999, time_us, 1));
  double compute_us = 0;
  for (const auto& [name, times] : calibrated(plan_, folder_.file("run.json", file_of(events)))) compute_us += times[0];
  // 100 kernels of 5 us and a pause of 10 between any two of one component.
  EXPECT_GT(compute_us, 500 + 800);
  EXPECT_LE(compute_us, 500 + 990);
}

TEST_F(KinetoKernels, AreJoinedByTheirLaunchWhereTheHostAloneKnowsOfRanges) {
  std::vector<std::string> events;
  int correlation = 0;
  const auto launched = [&](const std::string& kernel, double launch_us) {
    ++correlation;
    std::string with = kernel;
    with.insert(with.find("\"stream\""), fmt::format("\"correlation\":{},", correlation));
    events.push_back(with);
    events.push_back(fmt::format(R"({{"ph":"X","cat":"cuda_runtime","name":"cudaLaunchKernel","pid":9,"tid":9,)"
                                 R"("ts":{:.3f},"dur":1,"args":{{"correlation":{}}}}})",
                                 launch_us, correlation));
  };
  for (const std::string& kernel : forward()) launched(kernel, 10 + correlation);
  launched(event("kernel", "gemm", 7, 5000, 777, 112), 60);  // of another range
  events.push_back(event("user_annotation", "PP:0F0", 9, 9, 40, 1));
  const std::string run = folder_.file("run.json", file_of(events));
  expect_forward(run);
  const auto diff = run_command({"diff", plan_, run, "--json"});
  ASSERT_EQ(diff.code, 0) << diff.err;
  EXPECT_DOUBLE_EQ(diff.json()["executed_step"], 1.06);  // from the first kernel to the last, not what the host took
}

// Alone gemm takes 100 us; beside the exchange 125. What a plan calculates with is how long it takes alone.
TEST_F(KinetoKernels, CalibrateTakesContentionOut) {
  std::vector<std::string> events;
  for (int i = 0; i < 4; ++i) {
    events.push_back(event("kernel", "gemm", 7, 1000 + i * 125, 125, 112));
    events.push_back(event("kernel", "gemm", 7, 1500 + i * 100, 100, 112));
  }
  events.push_back(event("kernel", "deep_ep::dispatch", 27, 1000, 500, 20));
  events.push_back(event("gpu_user_annotation", "PP:0F0", 7, 999, 902, 1));
  events.push_back(event("gpu_user_annotation", "PP:0F0", 27, 999, 502, 1));
  const std::string run = folder_.file("run.json", file_of(events));
  double compute_us = 0;
  for (const auto& [name, times] : calibrated(plan_, run)) compute_us += name.ends_with(" dispatch") ? 0 : times[0];
  EXPECT_NEAR(compute_us, 800, 1);
  const auto diff = run_command({"diff", plan_, run, "--json"}).json();
  EXPECT_DOUBLE_EQ(diff["ranks"][0]["executed"]["busy"], 0.9);  // as it was
}

TEST_F(KinetoJoin, WhatDoesNotFitIsRefused) {
  const std::string other = folder_.file("other.json", file_of({event("gpu_user_annotation", "PP:3F99", 7, 0, 1, 1)}));
  EXPECT_THAT(run_command({"diff", plan_, other}).err,
              HasSubstr("the run has F99 of stage 3, which the plan does not have"));
  const std::string none = folder_.file("none.json", file_of({event("kernel", "gemm", 7, 0, 1, 1)}));
  EXPECT_THAT(run_command({"calibrate", plan_, none}).err, HasSubstr("no ranges of a pipeline schedule"));
  EXPECT_THAT(run_command({"import", folder_.file("empty.json", file_of({}))}).err, HasSubstr("no kernels"));
  EXPECT_THAT(run_command({"import", folder_.file("x.dat", "noise")}).err, HasSubstr("unknown kind of file"));
}

}  // namespace
}  // namespace pipeloom::tests
