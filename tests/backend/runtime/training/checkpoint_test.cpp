#include "backend/runtime/training/checkpoint.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "backend/runtime/training/train.h"
#include "core/tasks/lower.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

// Keeps everything in memory, and fails with the write number `fails_at`.
class FakeStore : public CheckpointStore {
 public:
  Status write(const std::string& name, const std::string& content) override {
    const std::lock_guard lock(mutex_);
    if (++writes_ == fails_at) return fail(ErrorCode::kIo, "the disk is full");
    contents[name] = content;
    return {};
  }
  Result<std::optional<std::string>> read(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    const auto place = contents.find(name);
    if (place == contents.end()) return std::optional<std::string>();
    return std::optional(place->second);
  }
  void remove(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    contents.erase(name);
  }
  Result<std::vector<std::string>> names() override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, content] : contents) names.push_back(name);
    return names;
  }
  Status lock() override { return {}; }

  int fails_at = 0;
  std::map<std::string, std::string> contents;

 private:
  std::mutex mutex_;
  int writes_ = 0;
};

constexpr int64_t kSteps = 5;

Plan a_plan() {
  Job job = tests::training_job(tests::tiny_v3(), 2, 4, 2, 2);
  job.precision = Precision::kFp8;
  job.ema_decay = 0.75;
  return tests::plan_with(job, "dualpipe").value();
}

Result<TrainingResult> run(const Plan& plan, int64_t steps, CheckpointOptions checkpoints, uint64_t seed = 1,
                           const std::string& content = tests::some_text()) {
  const TextTokens text =
      TextTokens::create(content, plan.job.batch, plan.job.model->vocabulary, 1, 1 + plan.job.model->mtp_depth).value();
  const TaskGraph graph = lower(plan);
  RunOptions options;
  options.training.check = true;
  options.training.seed = seed;
  options.steps = steps;
  options.patience_ns = 20'000'000'000;
  options.checkpoints = checkpoints;
  return train_on_threads({plan, graph, text, options});
}

TEST(Checkpoints, AResumedRunHasTheBitsOfAnUninterruptedOne) {
  const Plan plan = a_plan();
  const TrainingResult whole = run(plan, kSteps, {}).value();
  FakeStore store;
  ASSERT_TRUE(run(plan, 3, {&store, 2, false}).has_value());
  const TrainingResult rest = run(plan, kSteps, {&store, 2, true}).value();
  EXPECT_EQ(rest.parameters, whole.parameters);
  EXPECT_EQ(rest.averages_digest, whole.averages_digest);
  // From the checkpoint after step 2: step 3 is done again.
  EXPECT_EQ(rest.losses, std::vector<double>(whole.losses.begin() + 2, whole.losses.end()));
}

TEST(Checkpoints, TheOneBeforeIsRemovedWhenTheNextIsComplete) {
  FakeStore store;
  ASSERT_TRUE(run(a_plan(), 4, {&store, 2, false}).has_value());
  std::vector<std::string> names;
  for (const auto& [name, content] : store.contents) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"last", "step4.rank0", "step4.rank1", "step4.rank2", "step4.rank3"}));
}

TEST(Checkpoints, AWriteThatFailsEndsTheRunAndLeavesTheLastOneIntact) {
  const Plan plan = a_plan();
  const TrainingResult whole = run(plan, kSteps, {}).value();
  for (int fails_at = 1; fails_at <= 10; ++fails_at) {  // 5 writes a checkpoint
    FakeStore store;
    store.fails_at = fails_at;
    const auto interrupted = run(plan, 4, {&store, 2, false});
    ASSERT_FALSE(interrupted.has_value());
    EXPECT_EQ(interrupted.error().message, "the disk is full");
    EXPECT_EQ(run(plan, kSteps, {&store, 0, true}).value().parameters, whole.parameters) << fails_at;
  }
}

TEST(Checkpoints, AnotherRunsAreRefused) {
  const Plan plan = a_plan();
  FakeStore store;
  ASSERT_TRUE(run(plan, 2, {&store, 2, false}).has_value());
  const auto other_seed = run(plan, kSteps, {&store, 0, true}, 2);
  ASSERT_FALSE(other_seed.has_value());
  EXPECT_NE(other_seed.error().message.find("digest of options and text"), std::string::npos)
      << other_seed.error().message;
  const auto other_text = run(plan, kSteps, {&store, 0, true}, 1, tests::some_text() + "more");
  ASSERT_FALSE(other_text.has_value());
  EXPECT_NE(other_text.error().message.find("digest of options and text"), std::string::npos)
      << other_text.error().message;
  const Plan other = tests::plan_with(tests::training_job(tests::tiny_moe(), 2, 4, 2, 2), "chimera").value();
  const auto other_plan = run(other, kSteps, {&store, 0, true});
  ASSERT_FALSE(other_plan.has_value());
  EXPECT_NE(other_plan.error().message.find("plan digest"), std::string::npos) << other_plan.error().message;
}

TEST(Checkpoints, DamageIsNoticed) {
  const Plan plan = a_plan();
  FakeStore store;
  ASSERT_TRUE(run(plan, 2, {&store, 2, false}).has_value());
  const std::string content = store.contents.at("step2.rank1");
  const auto error_with = [&](std::string damaged) {
    store.contents["step2.rank1"] = std::move(damaged);
    const auto result = run(plan, kSteps, {&store, 0, true});
    return result ? "none" : result.error().message;
  };
  std::string flipped = content;
  flipped[content.size() / 2] = static_cast<char>(flipped[content.size() / 2] ^ 1);
  EXPECT_EQ(error_with(flipped), "checkpoint step2.rank1: the checkpoint is damaged: its digest is wrong");
  EXPECT_EQ(error_with(content.substr(0, 40)), "checkpoint step2.rank1: the checkpoint is cut off");
  EXPECT_EQ(error_with("a letter"), "checkpoint step2.rank1: it is not a pipeloom checkpoint of version 2");
  store.contents.erase("step2.rank1");
  const auto missing = run(plan, kSteps, {&store, 0, true});
  EXPECT_EQ(missing ? "none" : missing.error().message, "checkpoint step2.rank1 is missing");
  store.contents["last"] = "two";
  const auto unclear = run(plan, kSteps, {&store, 0, true});
  EXPECT_EQ(unclear ? "none" : unclear.error().message,
            "checkpoint \"last\" says \"two\"; expected is a number of steps");
}

}  // namespace
}  // namespace pipeloom::backend
