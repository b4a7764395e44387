// What the executor keeps for later passes against what plans predict, with each option of the recipe on and off.
#include <gtest/gtest.h>

#include "backend/runtime/training/memory_plan.h"
#include "backend/runtime/training/train.h"
#include "backend/transport/threads.h"
#include "core/tasks/lower.h"
#include "sim/report/memory.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

struct Case {
  const char* name;
  Precision precision = Precision::kBf16;
  Recompute recompute = Recompute::kNone;
  FormatChoice formats = {};
};

// Bytes of each rank at its fullest.
std::vector<int64_t> executed(const Plan& plan) {
  const TaskGraph graph = lower(plan);
  const TextTokens text = TextTokens::create(tests::some_text(), plan.job.batch, plan.job.model->vocabulary, 1,
                                             1 + plan.job.model->mtp_depth)
                              .value();
  RunOptions options;
  options.training.check = true;
  const TrainingRun run{plan, graph, text, options};
  std::vector<int64_t> peaks(run.ranks());
  const Status status = run_on_threads(run.ranks(), [&](Endpoint& endpoint) -> Status {
    PIPELOOM_TRY(const RankResult result, train_rank(run, endpoint));
    peaks[endpoint.rank()] = result.peak_kept_bytes;
    return {};
  });
  EXPECT_TRUE(status.has_value()) << status.error().message;
  return peaks;
}

class RecipeMemory : public testing::TestWithParam<Case> {
 protected:
  // With expert parallelism the routing decides which rank of a group gets how many tokens: all of a group together
  // keep what is planned.
  static void expect_as_planned(Job job, const char* schedule) {
    SCOPED_TRACE(testing::Message() << job.model->family << ", " << schedule);
    job.precision = GetParam().precision;
    job.recompute = GetParam().recompute;
    job.formats = GetParam().formats;
    // Gradients of norms, which plans leave out, are small beside so many tokens.
    job.batch.sequence_length = 16;
    const Plan plan = tests::plan_with(job, schedule).value();
    const std::vector<int64_t> planned = sim::peak_activations(plan.schedule, plan.costs.activations);
    std::vector<int64_t> found(planned.size(), 0);
    int rank_of_all = 0;
    for (const int64_t bytes : executed(plan)) found[rank_of_all++ % planned.size()] += bytes;
    for (size_t rank = 0; rank < planned.size(); ++rank) {
      const double all = static_cast<double>(planned[rank]) * job.layout.data;
      EXPECT_NEAR(static_cast<double>(found[rank]), all, 0.02 * all) << "rank " << rank;
    }
  }
};

TEST_P(RecipeMemory, IsWhatThePlanSays) {
  for (const char* schedule :
       {"1f1b", "gpipe", "interleaved-1f1b", "dualpipe", "zb-h1", "zb-h2", "zb-v", "v-half", "v-min", "1f1b-overlap"}) {
    expect_as_planned(tests::training_job(tests::tiny_v3(), 4, 8), schedule);
    expect_as_planned(tests::training_job(tests::tiny_dense(), 4, 8), schedule);
  }
}

// Where FP8 keeps routed rows, one for each GPU that a token goes to, the router decides how many those are.
class GroupMemory : public RecipeMemory {};

// GPipe holds all micro-batches at once, so it does not matter which of them brought a rank many tokens.
TEST_P(GroupMemory, IsWhatThePlanSaysWithExpertParallelism) {
  expect_as_planned(tests::training_job(tests::tiny_v3(), 4, 8, 2, 2), "gpipe");
}

// Weights, gradients and moments of every rank are as many as planned: in DualPipe and V placements the MTP module has
// no embedding of its own.
TEST(RecipeStates, AreAsManyNumbersAsPlanned) {
  Job job = tests::training_job(tests::tiny_v3(), 4, 8);
  for (const char* schedule : {"1f1b", "interleaved-1f1b", "dualpipe", "zb-v"}) {
    for (const Format moments : {Format::kFp32, Format::kBf16}) {
      job.formats.moments = moments;
      const Plan plan = tests::plan_with(job, schedule).value();
      const TaskGraph graph = lower(plan);
      const int64_t moment_bytes = moments == Format::kFp32 ? 8 : 4;
      for (int rank = 0; rank < 4; ++rank) {
        double numbers = 0;
        for (const Chunk& chunk : plan.schedule.placement().chunks_of(rank)) {
          numbers += static_cast<double>(plan.costs.states[chunk.stage].gradients_bytes) / 4;
        }
        const int copies = plan.schedule.placement().pipes();
        const double planned = numbers * (8 + static_cast<double>(moment_bytes) / copies);
        const auto executed =
            static_cast<double>(plan_memory(plan, RankProgram(plan.schedule, graph, rank), {}).states);
        EXPECT_NEAR(executed, planned, 0.02 * planned) << schedule << ", rank " << rank;
      }
    }
  }
}

std::vector<Case> cases() {
  using enum Format;
  const auto recipe_but = [](const char* name, std::initializer_list<std::optional<Format> FormatChoice::*> fields,
                             Format format) {
    Case tested{name, Precision::kFp8, Recompute::kSelective, {}};
    for (const auto field : fields) tested.formats.*field = format;
    return tested;
  };
  return {
      {"Bf16"},
      {"Bf16Recomputed", Precision::kBf16, Recompute::kSelective},
      {"Bf16RecomputedWhole", Precision::kBf16, Recompute::kFull},
      {"Recipe", Precision::kFp8, Recompute::kSelective},
      {"RecipeWithoutRecompute", Precision::kFp8},
      {"RecipeRecomputedWhole", Precision::kFp8, Recompute::kFull},
      recipe_but("RecipeCachedInBf16", {&FormatChoice::cached}, kBf16),
      recipe_but("RecipeCoreInBf16", {&FormatChoice::cached_core}, kBf16),
      recipe_but("RecipeCoreInFp8", {&FormatChoice::cached_core}, kFp8),
      recipe_but("RecipeProductsInBf16", {&FormatChoice::attention, &FormatChoice::mlp}, kBf16),
      recipe_but("RecipeDispatchInBf16", {&FormatChoice::dispatch}, kBf16),
      recipe_but("RecipeMomentsInFp32", {&FormatChoice::moments}, kFp32),
  };
}

INSTANTIATE_TEST_SUITE_P(, RecipeMemory, testing::ValuesIn(cases()),
                         [](const auto& tested) { return std::string(tested.param.name); });

std::vector<Case> cases_without_routed_fp8() {
  std::vector<Case> all = cases();
  std::erase_if(all, [](const Case& tested) {
    return tested.precision == Precision::kFp8 && tested.recompute != Recompute::kFull &&
           tested.formats.cached != Format::kBf16;
  });
  return all;
}

INSTANTIATE_TEST_SUITE_P(, GroupMemory, testing::ValuesIn(cases_without_routed_fp8()),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace pipeloom::backend
