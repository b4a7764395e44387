#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/planner/cli/run_command.h"
#include "tests/support/temp_folder.h"
#include "tests/support/vectors.h"

namespace pipeloom::tests {
namespace {

using ::testing::HasSubstr;

TEST(Simulate, PrintsTheNumbersOfAJobForLearning) {
  const auto result = run_command(
      "simulate --schedule dualpipe --ranks 8 --micro-batches 20 --times F=1,I=1,W=1,pair=3,link=0.1 --json");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = result.json();
  EXPECT_EQ(json["makespan"], 68.6);
  EXPECT_EQ(json["busy"], std::vector<double>(8, 60));
  EXPECT_EQ(json["peak_activations"], std::vector<double>(8, 9));
  EXPECT_NEAR(json["bubble_global"][0].get<double>(), 8.6, 1e-9);
}

// docs/research/schedules.md: what DualPipe's own batches cost with a latency of 0.1.
TEST(Simulate, BlockingP2pCostsWhatTheReferenceBatchesCost) {
  const auto makespan = [](const std::string& line) {
    return run_command("simulate --times F=1,I=1,W=1,pair=3,link=0.1 --p2p blocking --json " + line).json()["makespan"];
  };
  EXPECT_EQ(makespan("--schedule dualpipe --ranks 8 --micro-batches 20"), 69.2);
  EXPECT_EQ(makespan("--schedule dualpipe --ranks 8 --micro-batches 16"), 56.8);
  EXPECT_EQ(makespan("--schedule dualpipev --ranks 4 --micro-batches 10"), 69.1);
}

TEST(Simulate, TakesPerStageTimes) {
  const auto json = run_command(
                        "simulate --schedule 1f1b --ranks 4 --micro-batches 8 --times "
                        "F=0.8:1.2:1.5:0.9,B=1:2:1.5:1.8 --json")
                        .json();
  EXPECT_EQ(json["makespan"], 32.4);
  EXPECT_EQ(json["busy"], (std::vector<double>{14.4, 25.6, 24, 21.6}));
}

TEST(Simulate, ReleaseAndWeightShareSayWhatAnActivationHolds) {
  const auto peaks = [](const std::string& options) {
    return run_command("simulate --schedule zb1p --ranks 4 --micro-batches 8 --json " + options)
        .json()["peak_activations"]
        .get<std::vector<double>>();
  };
  EXPECT_EQ(peaks(""), (std::vector<double>{4, 4, 4, 4}));
  EXPECT_EQ(peaks("--release W"), (std::vector<double>{4, 4, 4, 4}));
  EXPECT_EQ(peaks("--release I"), (std::vector<double>{4, 3, 2, 1}));
  EXPECT_EQ(peaks("--weight-share 0.5"), (std::vector<double>{4, 3.5, 3, 2.5}));
}

TEST(Simulate, OptionsReachTheirSchedules) {
  const auto stages = [](const std::string& options) {
    return run_command("simulate --json " + options).json()["stages"];
  };
  EXPECT_EQ(stages("--schedule interleaved-1f1b --ranks 4 --micro-batches 8 --chunks 3"), 12);
  EXPECT_EQ(stages("--schedule hanayo --ranks 4 --micro-batches 8 --waves 2"), 16);
  const auto chimera = run_command("simulate --schedule chimera --ranks 8 --micro-batches 8 --pipes 4 --json").json();
  EXPECT_EQ(chimera["weight_copies"], 4);
}

TEST(Simulate, OptionsOverrideTheFieldsOfAJobFile) {
  const auto makespan = [](const std::string& options) {
    return run_command("simulate " + sample("learning") + " --schedule 1f1b --json " + options).json()["makespan"];
  };
  EXPECT_EQ(makespan(""), 33);
  EXPECT_EQ(makespan("--times F=2,B=4"), 66);
  EXPECT_EQ(makespan("--micro-batches 4"), 21);
}

TEST(Simulate, APlanGivesTheSameNumbersAsItsJob) {
  const TempFolder folder;
  const std::string plan = folder.path("a.plan");
  const auto planned = run_command({"plan", sample("deepseek-v3"), "-o", plan, "--json"});
  ASSERT_EQ(planned.code, 0) << planned.err;
  EXPECT_EQ(run_command({"simulate", plan, "--components", "--json"}).json(), planned.json());
}

TEST(Simulate, WithoutAScheduleTheBestIsTaken) {
  const auto result = run_command("simulate --ranks 4 --micro-batches 8 --times F=1,I=1,W=1");
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("Interleaved ZB"));
}

TEST(Order, PrintsTheReferencesOrderAsCsv) {
  for (const ReferenceOrder& reference : reference_orders("dualpipe")) {
    const auto result = run_command({"order", "--schedule", "dualpipe", "--ranks", std::to_string(reference.ranks),
                                     "--micro-batches", std::to_string(reference.micro_batches), "--csv"});
    ASSERT_EQ(result.code, 0) << result.err;
    std::string expected = "rank,seq,op,stage,pipe,pipe_index,micro_batch\n";
    for (int rank = 0; rank < reference.ranks; ++rank) {
      size_t seq = 0;
      for (const Slot& slot : reference.orders[rank]) {
        const int half = reference.micro_batches / 2;
        const auto both = [&](auto value) {
          const std::string first = std::to_string(value(slot.stage, slot.micro_batch));
          if (slot.kind != SlotKind::kFB) return first;
          return first + ";" + std::to_string(value(slot.backward_stage, slot.backward_micro_batch));
        };
        expected += std::to_string(rank) + "," + std::to_string(seq++) + "," + slot_kind_name(slot.kind) + "," +
                    both([](int stage, int) { return stage; }) + "," + both([&](int, int m) { return m / half; }) +
                    "," + both([&](int, int m) { return m % half; }) + "," + both([](int, int m) { return m; }) + "\n";
      }
    }
    EXPECT_EQ(result.out, expected) << reference.file;
  }
}

}  // namespace
}  // namespace pipeloom::tests
