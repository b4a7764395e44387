#include "backend/runtime/training/memory_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "backend/runtime/training/train.h"
#include "backend/transport/threads.h"
#include "core/tasks/lower.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

struct Case {
  Model model;
  const char* schedule;
  int data = 1;
  int expert = 1;
  bool check = true;
  Recompute recompute = Recompute::kNone;
};

// Planned and measured bytes of the activations of every rank.
std::vector<std::pair<int64_t, int64_t>> planned_and_measured(const Case& tested) {
  Job job = tests::training_job(tested.model, 4, 8, tested.data, tested.expert);
  job.recompute = tested.recompute;
  const Plan plan = tests::plan_with(job, tested.schedule).value();
  const TaskGraph graph = lower(plan);
  const TextTokens text = TextTokens::create(tests::some_text(), job.batch, job.model->vocabulary).value();
  RunOptions options;
  options.training.check = tested.check;
  const TrainingRun run{plan, graph, text, options};
  std::vector<std::pair<int64_t, int64_t>> found(run.ranks());
  const Status status = run_on_threads(run.ranks(), [&](Endpoint& endpoint) -> Status {
    PIPELOOM_TRY(const RankResult result, train_rank(run, endpoint));
    const RankProgram program(plan.schedule, graph, endpoint.rank() % 4);
    const RankMemoryPlan memory = plan_memory(plan, program, options.training);
    found[endpoint.rank()] = {memory.activations + memory.messages, result.peak_activation_bytes};
    return {};
  });
  EXPECT_TRUE(status.has_value());
  return found;
}

void expect_enough_but_not_wasteful(const Case& tested, double at_most) {
  for (const auto& [planned, measured] : planned_and_measured(tested)) {
    EXPECT_GT(measured, 0);
    EXPECT_LE(measured, planned) << tested.schedule;
    EXPECT_LE(static_cast<double>(planned), at_most * static_cast<double>(measured)) << tested.schedule;
  }
}

TEST(MemoryPlan, HoldsWhatARunTakes) {
  for (const char* schedule : {"gpipe", "1f1b", "zb-v", "dualpipe", "hanayo"}) {
    for (const bool check : {true, false})
      expect_enough_but_not_wasteful({tests::tiny_dense(), schedule, 1, 1, check}, 8);
  }
}

TEST(MemoryPlan, HoldsWhatMoeRunsTake) {
  for (const char* schedule : {"1f1b", "zb-h1", "dualpipev", "chimera"}) {
    expect_enough_but_not_wasteful({tests::tiny_moe(), schedule}, 5);
    expect_enough_but_not_wasteful({tests::tiny_moe(), schedule, 2, 2}, 8);
    expect_enough_but_not_wasteful({tests::tiny_mixtral(), schedule, 2, 2}, 8);
  }
}

TEST(MemoryPlan, HoldsWhatRecomputingRunsTake) {
  for (const char* schedule : {"gpipe", "1f1b", "dualpipe"}) {
    const Case tested{tests::tiny_dense(), schedule, 1, 1, true, Recompute::kFull};
    expect_enough_but_not_wasteful(tested, 6);
    expect_enough_but_not_wasteful({tests::tiny_moe(), schedule, 2, 2, true, Recompute::kFull}, 10);
    expect_enough_but_not_wasteful({tests::tiny_moe(), schedule, 2, 2, true, Recompute::kSelective}, 8);
  }
}

TEST(MemoryPlan, RecomputingTakesLess) {
  Case tested{tests::tiny_dense(), "gpipe"};
  const auto kept = planned_and_measured(tested);
  tested.recompute = Recompute::kFull;
  const auto recomputed = planned_and_measured(tested);
  for (size_t rank = 0; rank < kept.size(); ++rank) {
    EXPECT_LT(recomputed[rank].first, kept[rank].first);
    EXPECT_LT(recomputed[rank].second, kept[rank].second);
  }
}

TEST(MemoryPlan, StatesAreWeightsSumsAndOptimizer) {
  const Plan plan = tests::plan_with(tests::training_job(tests::tiny_dense(), 1, 2), "1f1b").value();
  const TaskGraph graph = lower(plan);
  const RankProgram program(plan.schedule, graph, 0);
  const Stage<float> stage(*plan.job.model, whole_program(*plan.job.model), {}, plain_products<float>());
  TrainingOptions options;
  EXPECT_EQ(plan_memory(plan, program, options).states, stage.size() * 16);
  options.check = true;
  EXPECT_EQ(plan_memory(plan, program, options).states, stage.size() * 20);
}

TEST(MemoryPlan, ARunThatMayNotFitIsRefused) {
  const Plan plan = tests::plan_with(tests::training_job(tests::tiny_dense(), 2, 4), "1f1b").value();
  const TaskGraph graph = lower(plan);
  const auto fits = [&](int ranks_here, int64_t available_bytes) {
    return check_memory(plan, graph, {}, ranks_here, available_bytes).has_value();
  };
  EXPECT_TRUE(fits(2, 1'000'000'000));
  const auto status = check_memory(plan, graph, {}, 2, 100'000);
  ASSERT_FALSE(status.has_value());
  EXPECT_NE(status.error().message.find("on this machine, which has 100.0 kB free: rank "), std::string::npos)
      << status.error().message;
  int64_t least = 1;  // that two ranks fit into
  while (!fits(2, least)) least += 1'000;
  EXPECT_FALSE(fits(2, least * 3 / 4));
  EXPECT_TRUE(fits(1, least * 3 / 4));
}

// All tokens of four ranks could choose the experts of one; hardly more than twice its share do.
TEST(MemoryPlan, AnUnlikelyGateIsWarnedOf) {
  const Plan plan = tests::plan_with(tests::training_job(tests::tiny_moe(), 2, 4, 4, 4), "1f1b").value();
  const TaskGraph graph = lower(plan);
  const auto fullest = [&](RoutedTokens routed) {
    int64_t bytes = 0;
    for (const int rank : {0, 1}) {
      bytes = std::max(bytes, plan_memory(plan, RankProgram(plan.schedule, graph, rank), {}, routed).total());
    }
    return bytes;
  };
  const int64_t most = fullest(RoutedTokens::kAll);
  const int64_t likely = fullest(RoutedTokens::kTwiceEven);
  EXPECT_LT(likely, most);
  EXPECT_EQ(check_memory(plan, graph, {}, 1, most).value(), "");
  EXPECT_NE(check_memory(plan, graph, {}, 1, (likely + most) / 2).value().find("if the gate prefers"),
            std::string::npos);
  EXPECT_FALSE(check_memory(plan, graph, {}, 1, likely / 2).has_value());
}

TEST(MemoryPlan, ThisMachineHasSomeMemory) {
  EXPECT_GT(available_memory_bytes(), 10'000'000);
  EXPECT_LT(available_memory_bytes(), int64_t{1} << 50);
}

}  // namespace
}  // namespace pipeloom::backend
