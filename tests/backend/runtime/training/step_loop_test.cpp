// The loop that all devices share, with steps that are made up.
#include "backend/runtime/training/step_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "backend/transport/threads.h"
#include "tests/backend/memory_store.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class MadeUpSteps : public StepRunner {
 public:
  Result<int64_t> run_step(int64_t step) override {
    steps.push_back(step);
    return device_ns;
  }
  std::optional<StepLosses> losses() override {
    if (!trains) return std::nullopt;
    if (steps.back() == diverges_at) return StepLosses{{{0, 2.0}, {1, std::nan("")}}, {}};
    return StepLosses{{{0, 2.0}, {1, 4.0}}, {}};
  }

  bool trains = true;
  int64_t device_ns = 0;
  int64_t diverges_at = -1;
  std::vector<int64_t> steps;
};

class RunSteps : public testing::Test {
 protected:
  RunSteps() { options_.steps = 3; }

  // Two ranks of one process, as a device has them that runs all ranks.
  Result<StepsResult> run() {
    const auto endpoints = connect_threads(1);
    Meeting meeting(*endpoints[0], meeting_patience_ns(options_));
    Heartbeat heartbeat;
    options_.on_step = [this](const StepReport& report) { reports_.push_back(report); };
    CheckpointKeeper checkpoints(
        options_.checkpoints, [this] { return kept_ranks(); }, meeting, heartbeat);
    return run_steps(job_, options_, meeting, checkpoints, steps_);
  }

  std::vector<KeptRank> kept_ranks() {
    asked_for_ranks_ = true;
    std::vector<KeptRank> ranks;
    for (const int rank : {0, 1}) {
      ranks.push_back({rank, [rank](int64_t steps) { return std::to_string(100 * rank + steps); },
                       [this](const std::string& content, int64_t /*steps*/) {
                         taken_.push_back(content);
                         return Status{};
                       }});
    }
    return ranks;
  }

  Job job_ = tests::training_job(tests::tiny_dense(), 2, 2);
  MadeUpSteps steps_;
  StepOptions options_;
  tests::MemoryStore store_;
  bool asked_for_ranks_ = false;
  std::vector<std::string> taken_;
  std::vector<StepReport> reports_;
};

TEST_F(RunSteps, AddUpLossesAndReportTheDevicesTime) {
  steps_.device_ns = 7;
  const auto result = run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->losses, std::vector(3, 6.0 * part_shape(job_, 0).loss_scale));
  EXPECT_THAT(result->mtp_losses, IsEmpty());
  ASSERT_EQ(reports_.size(), 3u);
  EXPECT_EQ(reports_[2].step, 2);
  EXPECT_EQ(reports_[2].time_ns, 7);
}

TEST_F(RunSteps, ThatTrainNothingHaveNoLosses) {
  steps_.trains = false;
  const auto result = run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_THAT(result->losses, IsEmpty());
  EXPECT_EQ(reports_.size(), 3u);
}

TEST_F(RunSteps, PrepareNoCheckpointsWithoutAStore) {
  ASSERT_TRUE(run());
  EXPECT_FALSE(asked_for_ranks_);
  options_.checkpoints = {&store_, 2, false};
  ASSERT_TRUE(run());
  EXPECT_TRUE(asked_for_ranks_);
}

TEST_F(RunSteps, KeepTheLastCheckpointOfAllRanks) {
  options_.steps = 5;
  options_.checkpoints = {&store_, 2, false};
  ASSERT_TRUE(run());
  EXPECT_THAT(store_.contents, ElementsAre(Pair("last", "4"), Pair("step4.rank0", "4"), Pair("step4.rank1", "104")));
  steps_.steps.clear();
  options_.checkpoints.resume = true;
  ASSERT_TRUE(run());
  EXPECT_THAT(taken_, ElementsAre("4", "104"));
  EXPECT_THAT(steps_.steps, ElementsAre(4));
  store_.contents.erase("step4.rank1");
  EXPECT_EQ(run().error().message, "checkpoint step4.rank1 is missing");
}

TEST_F(RunSteps, EndWithALossThatIsNotFiniteAndKeepTheCheckpointBefore) {
  options_.steps = 10;
  options_.checkpoints = {&store_, 2, false};
  steps_.diverges_at = 5;
  EXPECT_EQ(run().error().message, "the loss of step 6 is nan: the run ends, and its last checkpoint is from before");
  EXPECT_EQ(store_.contents.at("last"), "4");
}

TEST_F(RunSteps, StopAtTheEndOfAStepWithACheckpointOfIt) {
  options_.steps = 10;
  options_.checkpoints = {&store_, 4, false};
  options_.wants_stop = [&] { return reports_.size() == 3; };
  std::optional<std::pair<int64_t, bool>> stopped;
  options_.on_stop = [&](int64_t steps, bool saved) { stopped = {steps, saved}; };
  const auto result = run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_THAT(steps_.steps, ElementsAre(0, 1, 2));
  EXPECT_EQ(stopped, (std::pair<int64_t, bool>(3, true)));
  EXPECT_EQ(store_.contents.at("last"), "3");
  // The next one stops before it has done anything, and leaves the checkpoint.
  options_.checkpoints.resume = true;
  ASSERT_TRUE(run());
  EXPECT_EQ(stopped, (std::pair<int64_t, bool>(3, true)));
  // Without a store nothing is saved.
  options_.checkpoints = {};
  reports_.clear();
  ASSERT_TRUE(run());
  EXPECT_EQ(stopped, (std::pair<int64_t, bool>(3, false)));
}

}  // namespace
}  // namespace pipeloom::backend
