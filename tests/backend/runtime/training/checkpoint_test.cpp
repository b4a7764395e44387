#include "backend/runtime/training/checkpoint.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "backend/runtime/training/train.h"
#include "core/base/digest.h"
#include "core/tasks/lower.h"
#include "tests/backend/memory_store.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

using tests::MemoryStore;

constexpr int64_t kSteps = 5;

Plan a_plan() {
  Job job = tests::training_job(tests::tiny_v3(), 2, 4, 2, 2);
  job.precision = Precision::kFp8;
  job.ema_decay = 0.75;
  return tests::plan_with(job, "dualpipe").value();
}

Result<TrainingResult> run(const Plan& plan, int64_t steps, CheckpointOptions checkpoints, uint64_t seed = 1,
                           const std::string& content = tests::some_text(), double learning_rate = 1e-3) {
  const TextTokens text =
      TextTokens::create(content, plan.job.batch, plan.job.model->vocabulary, 1, 1 + plan.job.model->mtp_depth).value();
  const TaskGraph graph = lower(plan);
  RunOptions options;
  options.training.check = true;
  options.training.seed = seed;
  options.training.adam.learning_rate = learning_rate;
  options.steps = steps;
  options.patience_ns = 20'000'000'000;
  options.checkpoints = checkpoints;
  return train_on_threads({plan, graph, text, options});
}

TEST(Checkpoints, AResumedRunHasTheBitsOfAnUninterruptedOne) {
  const Plan plan = a_plan();
  const TrainingResult whole = run(plan, kSteps, {}).value();
  MemoryStore store;
  ASSERT_TRUE(run(plan, 3, {&store, 2, false}).has_value());
  const TrainingResult rest = run(plan, kSteps, {&store, 2, true}).value();
  EXPECT_EQ(rest.parameters, whole.parameters);
  EXPECT_EQ(rest.averages_digest, whole.averages_digest);
  // From the checkpoint after step 2: step 3 is done again.
  EXPECT_EQ(rest.losses, std::vector<double>(whole.losses.begin() + 2, whole.losses.end()));
}

TEST(Checkpoints, TheOneBeforeIsRemovedWhenTheNextIsComplete) {
  MemoryStore store;
  ASSERT_TRUE(run(a_plan(), 4, {&store, 2, false}).has_value());
  std::vector<std::string> names;
  for (const auto& [name, content] : store.contents) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"last", "step4.rank0", "step4.rank1", "step4.rank2", "step4.rank3"}));
}

TEST(Checkpoints, AWriteThatFailsEndsTheRunAndLeavesTheLastOneIntact) {
  const Plan plan = a_plan();
  const TrainingResult whole = run(plan, kSteps, {}).value();
  for (int fails_at = 1; fails_at <= 10; ++fails_at) {  // 5 writes a checkpoint
    MemoryStore store;
    store.fails_at = fails_at;
    const auto interrupted = run(plan, 4, {&store, 2, false});
    ASSERT_FALSE(interrupted.has_value());
    EXPECT_EQ(interrupted.error().message, "the disk is full");
    EXPECT_EQ(run(plan, kSteps, {&store, 0, true}).value().parameters, whole.parameters) << fails_at;
  }
}

// Without "checkpoint step2.rank3: ": any rank may be the first to notice.
std::string message_of_rank(const Error& error) {
  const size_t place = error.message.find(": ");
  return place == std::string::npos ? error.message : error.message.substr(place + 2);
}

TEST(Checkpoints, AnotherRunsAreRefused) {
  const Plan plan = a_plan();
  MemoryStore store;
  ASSERT_TRUE(run(plan, 2, {&store, 2, false}).has_value());
  const auto other_seed = run(plan, kSteps, {&store, 0, true}, 2);
  ASSERT_FALSE(other_seed.has_value());
  EXPECT_EQ(message_of_rank(other_seed.error()), "its run had --seed 1 (not 2): go on with what it was started with");
  const auto other_text = run(plan, kSteps, {&store, 0, true}, 1, tests::some_text() + "more");
  ASSERT_FALSE(other_text.has_value());
  EXPECT_EQ(message_of_rank(other_text.error()),
            "its run had the text 17a10774ce370a7e (not 4b8c388e5b61572b): go on with what it was started with");
  const Plan other = tests::plan_with(tests::training_job(tests::tiny_moe(), 2, 4, 2, 2), "chimera").value();
  const auto other_plan = run(other, kSteps, {&store, 0, true});
  ASSERT_FALSE(other_plan.has_value());
  EXPECT_TRUE(message_of_rank(other_plan.error()).starts_with("its run had the plan ")) << other_plan.error().message;
}

TEST(Checkpoints, DamageIsNoticed) {
  const Plan plan = a_plan();
  MemoryStore store;
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
  EXPECT_EQ(error_with("a letter"), "checkpoint step2.rank1: it is not a pipeloom checkpoint of version 2 or 3");
  store.contents.erase("step2.rank1");
  const auto missing = run(plan, kSteps, {&store, 0, true});
  EXPECT_EQ(missing ? "none" : missing.error().message, "checkpoint step2.rank1 is missing");
  store.contents["last"] = "two";
  const auto unclear = run(plan, kSteps, {&store, 0, true});
  EXPECT_EQ(unclear ? "none" : unclear.error().message,
            "checkpoint \"last\" says \"two\"; expected is a number of steps");
}

// As a run before format 3 wrote it: the same without facts.
TEST(Checkpoints, OfTheSecondVersionAreRead) {
  const Plan plan = a_plan();
  MemoryStore store;
  ASSERT_TRUE(run(plan, 2, {&store, 2, false}).has_value());
  for (int rank = 0; rank < 4; ++rank) {
    std::string& content = store.contents.at(checkpoint_name(2, rank));
    const std::string kind = "pipeloom checkpoint 2\n";
    constexpr size_t kHeaderBytes = 40;  // five numbers
    uint64_t size = 0;
    std::memcpy(&size, content.data() + kind.size() + kHeaderBytes, sizeof size);
    content.erase(kind.size() + kHeaderBytes, sizeof size + size);
    content.replace(0, kind.size(), kind);
    content.resize(content.size() - sizeof size);
    Digest digest;
    digest.add_bytes(content);
    const uint64_t value = digest.value();
    content.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  const auto rest = run(plan, kSteps, {&store, 0, true});
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(rest->parameters, run(plan, kSteps, {}).value().parameters);
  const auto other_seed = run(plan, kSteps, {&store, 0, true}, 2);
  ASSERT_FALSE(other_seed.has_value());
  EXPECT_NE(other_seed.error().message.find("digest of options and text"), std::string::npos);
}

TEST(Checkpoints, AreNotOverwrittenUnasked) {
  const Plan plan = a_plan();
  MemoryStore store;
  ASSERT_TRUE(run(plan, 2, {&store, 2, false}).has_value());
  const auto before = store.contents;
  const auto again = run(plan, 4, {&store, 2, false});
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().message,
            "the folder of checkpoints has one after 2 steps: --resume goes on from it, --overwrite removes it");
  EXPECT_EQ(store.contents, before);
  ASSERT_TRUE(run(plan, 4, {.store = &store, .every = 3, .overwrite = true}).has_value());
  EXPECT_EQ(store.contents.at("last"), "3");
  EXPECT_FALSE(store.contents.contains("step2.rank0"));
}

TEST(Checkpoints, AreKeptAsManyAsAskedForAcrossAResume) {
  const Plan plan = a_plan();
  MemoryStore store;
  const auto steps_of_rank_1 = [&] {
    std::vector<int64_t> steps;
    for (const auto& [name, content] : store.contents) {
      const auto part = checkpoint_part(name);
      if (part && part->rank == 1) steps.push_back(part->steps);
    }
    return steps;
  };
  ASSERT_TRUE(run(plan, 3, {.store = &store, .every = 1, .keep = 2}).has_value());
  EXPECT_EQ(steps_of_rank_1(), (std::vector<int64_t>{2, 3}));
  store.contents["step9.rank1"] = "of a checkpoint that was not finished";
  ASSERT_TRUE(run(plan, 5, {.store = &store, .every = 1, .resume = true, .keep = 3}).has_value());
  EXPECT_EQ(steps_of_rank_1(), (std::vector<int64_t>{3, 4, 5}));
}

TEST(Checkpoints, NamesAreToldFromOthers) {
  EXPECT_EQ(checkpoint_part("step12.rank3")->steps, 12);
  EXPECT_EQ(checkpoint_part("step12.rank3")->rank, 3);
  for (const char* name : {"", "last", "lock", "step", "step12", "step12.rank", "step12.rank3.4711-0.tmp",
                           "step-1.rank0", "step1.rank-1", "my step1.rank0", "step99999999999999999999.rank0"}) {
    EXPECT_FALSE(checkpoint_part(name).has_value()) << name;
  }
}

// The loss of a step is known before its weights are: those of the last one may be what no step could go on from.
TEST(Checkpoints, OfWeightsThatAreNotFiniteAreNotMade) {
  const Plan plan = a_plan();
  MemoryStore store;
  ASSERT_TRUE(run(plan, 2, {&store, 2, false}).has_value());
  constexpr double kTooFast = 1e300;
  const auto diverged = run(plan, 3, {.store = &store, .every = 1, .overwrite = true}, 1, tests::some_text(), kTooFast);
  ASSERT_FALSE(diverged.has_value());
  EXPECT_TRUE(
      diverged.error().message.ends_with("has weights that are not finite after step 1: the run ends without a "
                                         "checkpoint of them"))
      << diverged.error().message;
}

}  // namespace
}  // namespace pipeloom::backend
