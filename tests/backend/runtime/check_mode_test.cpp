// Check mode: loss and every parameter of every named schedule are the sequential run's, bit for bit.
#include <gtest/gtest.h>

#include <algorithm>

#include "backend/runtime/training/train.h"
#include "core/tasks/lower.h"
#include "planner/schedules/schedule_table.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {

namespace {

constexpr int64_t kSteps = 2;  // the second step's loss sees what the first step's optimizer did

TextTokens text_for(const Job& job) {
  return TextTokens::create(tests::some_text(), job.batch, job.model->vocabulary, 1, 1 + job.model->mtp_depth).value();
}

RunOptions check_options() {
  RunOptions options;
  options.training.check = true;
  options.training.adam.learning_rate = 1e-2;
  options.steps = kSteps;
  options.patience_ns = 20'000'000'000;
  return options;
}

Result<TrainingResult> run(const Plan& plan) {
  const TaskGraph graph = lower(plan);
  const TextTokens text = text_for(plan.job);
  const RunOptions options = check_options();
  return train_on_threads({plan, graph, text, options});
}

void expect_sequential_bits(const Plan& plan) {
  const auto executed = run(plan);
  ASSERT_TRUE(executed.has_value()) << executed.error().message;
  const TrainingResult sequential =
      train_sequentially(plan.job, text_for(plan.job), kSteps, check_options().training).value();
  EXPECT_EQ(executed->losses, sequential.losses);
  EXPECT_EQ(executed->mtp_losses, sequential.mtp_losses);
  EXPECT_EQ(executed->averages_digest, sequential.averages_digest);
  EXPECT_EQ(executed->expert_loads, sequential.expert_loads);
  ASSERT_EQ(executed->parameters.size(), sequential.parameters.size());
  for (const auto& [name, numbers] : sequential.parameters) {
    ASSERT_TRUE(executed->parameters.contains(name)) << name;
    EXPECT_TRUE(executed->parameters.at(name) == numbers) << name;
  }
}

class CheckMode : public testing::TestWithParam<planner::NamedSchedule> {
 protected:
  // Every (ranks, micro-batches) that the schedule can run, of those given; fails where there is none.
  void expect_bits_of(const Model& model, const std::vector<std::pair<int, int>>& shapes, int data = 1,
                      int expert = 1) {
    int ran = 0;
    for (const auto& [ranks, micro_batches] : shapes) {
      SCOPED_TRACE(testing::Message() << ranks << " ranks, " << micro_batches << " micro-batches, data " << data
                                      << ", expert " << expert);
      const auto plan =
          tests::plan_with(tests::training_job(model, ranks, micro_batches, data, expert), GetParam().name);
      if (!plan) {
        EXPECT_EQ(plan.error().message.find("layers"), std::string::npos) << plan.error().message;
        continue;
      }
      ++ran;
      expect_sequential_bits(*plan);
    }
    EXPECT_GT(ran, 0);
  }
};

TEST_P(CheckMode, DenseModel) {
  expect_bits_of(tests::tiny_dense(), {{1, 3}, {2, 4}, {2, 7}, {4, 8}, {4, 9}});
  // A layer for each of up to two chunks.
  expect_bits_of(tests::tiny_dense(16), {{8, 16}});
}

TEST_P(CheckMode, OneReceiveBuffer) {
  Job job = tests::training_job(tests::tiny_dense(), 4, 8);
  job.p2p.receive_depth = 1;
  expect_sequential_bits(tests::plan_with(job, GetParam().name).value());
}

// Where the batches of this order wait for each other, the plan can't be made.
TEST_P(CheckMode, BlockingP2p) {
  Job job = tests::training_job(tests::tiny_dense(), 4, 8);
  job.p2p.mode = P2pMode::kBlocking;
  const auto plan = tests::plan_with(job, GetParam().name);
  if (!plan) {
    EXPECT_NE(plan.error().message.find("blocking P2P deadlocks"), std::string::npos) << plan.error().message;
    GTEST_SKIP() << plan.error().message;
  }
  expect_sequential_bits(*plan);
}

// The norm is some 3 here: clipped, or not.
TEST_P(CheckMode, Clipping) {
  for (const Clipping clipping : {Clipping::kGlobal, Clipping::kValidated}) {
    for (const double clip_norm : {0.01, 1000.0}) {
      SCOPED_TRACE(testing::Message() << "clipping " << static_cast<int>(clipping) << " to " << clip_norm);
      Job job = tests::training_job(tests::tiny_moe(), 2, 4, 2, 2);
      job.clipping = clipping;
      job.clip_norm = clip_norm;
      expect_sequential_bits(tests::plan_with(job, GetParam().name).value());
    }
  }
}

// BF16 is what all other jobs here have.
TEST_P(CheckMode, OtherPrecisions) {
  for (const Precision precision : {Precision::kFp8, Precision::kFp16}) {
    SCOPED_TRACE(testing::Message() << "precision " << static_cast<int>(precision));
    Job job = tests::training_job(tests::tiny_moe(), 2, 4, 2, 2);
    job.precision = precision;
    expect_sequential_bits(tests::plan_with(job, GetParam().name).value());
  }
}

// Embedding and head are shared with the MTP module: on one rank, or on two that reduce their gradients.
TEST_P(CheckMode, MtpModule) {
  expect_bits_of(tests::tiny_v3(), {{1, 3}, {2, 4}, {4, 8}});
  expect_bits_of(tests::tiny_v3(), {{2, 4}}, 2, 2);
}

TEST_P(CheckMode, TheWholeRecipe) {
  Job job = tests::training_job(tests::tiny_v3(), 2, 4, 2, 2);
  job.precision = Precision::kFp8;
  job.recompute = Recompute::kSelective;
  job.clipping = Clipping::kGlobal;
  job.ema_decay = 0.75;
  expect_sequential_bits(tests::plan_with(job, GetParam().name).value());
}

// Where F runs again its dispatch goes to other ranks once more.
TEST_P(CheckMode, FullRecomputation) {
  for (const Precision precision : {Precision::kBf16, Precision::kFp8}) {
    Job job = tests::training_job(tests::tiny_v3(), 2, 4, 2, 2);
    job.precision = precision;
    job.recompute = Recompute::kFull;
    expect_sequential_bits(tests::plan_with(job, GetParam().name).value());
  }
}

TEST_P(CheckMode, MovingAveragesChangeNoBit) {
  Job job = tests::training_job(tests::tiny_dense(), 2, 4, 2);
  const auto without = run(tests::plan_with(job, GetParam().name).value());
  job.ema_decay = 0.75;
  const auto with = run(tests::plan_with(job, GetParam().name).value());
  ASSERT_TRUE(without && with);
  EXPECT_EQ(with->losses, without->losses);
  EXPECT_EQ(with->parameters, without->parameters);
  EXPECT_NE(with->averages_digest, 0);
}

TEST_P(CheckMode, MoeOnDataParallelReplicas) {
  expect_bits_of(tests::tiny_moe(), {{2, 4}, {4, 8}}, 2);
}

TEST_P(CheckMode, MoeOnExpertParallelReplicas) {
  expect_bits_of(tests::tiny_moe(), {{2, 4}, {4, 8}}, 2, 2);
  expect_bits_of(tests::tiny_mixtral(), {{2, 4}}, 4, 2);
}

std::string row_name(const testing::TestParamInfo<planner::NamedSchedule>& tested) {
  std::string name = "row_" + std::string(tested.param.name);
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(, CheckMode,
                         testing::ValuesIn(planner::named_schedules().begin(), planner::named_schedules().end()),
                         row_name);

}  // namespace
}  // namespace pipeloom::backend
