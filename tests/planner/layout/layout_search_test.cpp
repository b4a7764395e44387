#include "planner/layout/layout_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "planner/evaluate/evaluate.h"
#include "planner/layout/layout_bound.h"
#include "proto/job/training_rates_files.h"
#include "tests/support/models.h"

namespace pipeloom::planner {
namespace {

// Mixtral 8x7B on 32 H100.
Job mixtral_job() {
  Job job;
  job.model = tests::mixtral_8x7b();
  job.cluster = tests::h100_cluster(4);
  job.batch = {.sequence_length = 4096, .micro_batch_size = 1, .global_batch = 64};
  job.layout.pipeline = 4;
  job.layout.data = 8;
  job.layout.expert = 8;
  return make_job(job).value();
}

HeldFields held(const std::string& names) {
  return HeldFields::parse(names).value();
}

LayoutSearchResult found(const Job& job, const std::string& names, int workers = 2) {
  return search_layouts(job, held(names), {.workers = workers, .progress = {}});
}

TEST(LayoutSpace, HoldsOnlyWhatTheClusterTheModelAndTheBatchAllow) {
  const Job job = mixtral_job();
  const std::vector<Job> layouts = layouts_of(job, held("context,recompute,precision,comm-sms"));
  std::set<std::tuple<int, int, int, int64_t>> seen;
  for (const Job& layout : layouts) {
    EXPECT_EQ(layout.layout.pipeline * layout.layout.replicas(), 32);
    EXPECT_EQ(layout.layout.replicas() % layout.layout.expert, 0);
    EXPECT_EQ(int64_t{layout.micro_batches} * layout.batch.micro_batch_size * layout.layout.data, 64);
    EXPECT_EQ(layout.recompute, job.recompute);
    seen.insert({layout.layout.pipeline, layout.layout.tensor, layout.layout.expert, layout.batch.micro_batch_size});
  }
  EXPECT_EQ(seen.size(), layouts.size());
  EXPECT_TRUE(seen.contains({4, 1, 8, 1}));
  EXPECT_TRUE(seen.contains({32, 1, 1, 8}));
  EXPECT_TRUE(seen.contains({2, 8, 8, 4}));
  EXPECT_FALSE(seen.contains({1, 16, 1, 1}));  // beyond a node
}

TEST(LayoutSpace, AHeldFieldKeepsTheJobsValue) {
  for (const Job& layout : layouts_of(mixtral_job(), held("pipeline,expert"))) {
    EXPECT_EQ(layout.layout.pipeline, 4);
    EXPECT_EQ(layout.layout.expert, 8);
  }
  EXPECT_EQ(HeldFields::parse("pipeline,speed").error().message,
            "--hold names \"speed\"; allowed are pipeline, tensor, context, expert, micro-batch-size, recompute, "
            "precision, comm-sms, schedule");
}

// No evaluation of any layout with any schedule is below the layout's bounds.
TEST(LayoutBound, IsBelowWhatEverySchedulesTakes) {
  for (const Job& layout : layouts_of(mixtral_job(), held("recompute,precision,comm-sms,tensor"))) {
    const LayoutBound bound = layout_bound(layout);
    for (const NamedSchedule& named : named_schedules()) {
      if (named.adapt != nullptr) continue;
      const auto evaluation = evaluate(layout, named);
      if (!evaluation) continue;
      const bool pairs = evaluation->schedule.has_pairs();
      EXPECT_GE(evaluation->end.step_ns, pairs ? bound.step_ns : bound.step_alone_ns) << named.name;
      const int copies = std::min(evaluation->weight_copies, 2);
      EXPECT_GE(evaluation->peak_memory(), bound.bytes[copies - 1]) << named.name;
    }
  }
}

TEST(LayoutSearch, FindsTheBestOfWhatTryingAllFinds) {
  const std::string names = "context,recompute,precision,comm-sms,micro-batch-size";
  const LayoutSearchResult result = found(mixtral_job(), names);
  ASSERT_FALSE(result.front.empty());
  int64_t best_ns = INT64_MAX;
  for (Job layout : layouts_of(mixtral_job(), held(names))) {
    for (const int chunks : {0, 2, 3, 4, 5, 6, 7, 8}) {
      layout.schedule.chunks = chunks;
      for (const NamedSchedule& named : named_schedules()) {
        const auto own = job_for(layout, named);
        if (!own) continue;
        const auto evaluation = evaluate(*own, named);
        if (evaluation && fits_memory(*own, *evaluation)) best_ns = std::min(best_ns, evaluation->end.step_ns);
      }
    }
  }
  EXPECT_EQ(result.considered[result.front[0]].step_ns, best_ns);
}

TEST(LayoutSearch, NothingOnTheFrontIsBeatenAndAllFit) {
  const LayoutSearchResult result = found(mixtral_job(), "comm-sms,precision");
  ASSERT_GT(result.front.size(), 1u);
  for (const int32_t a : result.front) {
    const ConsideredLayout& one = result.considered[a];
    EXPECT_EQ(one.verdict, LayoutVerdict::kTimed);
    EXPECT_LE(one.bytes, memory_limit_bytes(mixtral_job()));
    for (const ConsideredLayout& other : result.considered) {
      if (other.verdict != LayoutVerdict::kTimed || &other == &one) continue;
      const bool beats =
          other.step_ns < one.step_ns && other.bytes <= one.bytes && other.weight_copies <= one.weight_copies;
      EXPECT_FALSE(beats);
    }
  }
}

TEST(LayoutSearch, IsTheSameForAnyNumberOfWorkers) {
  const LayoutSearchResult one = found(mixtral_job(), "comm-sms,precision,recompute", 1);
  const LayoutSearchResult two = found(mixtral_job(), "comm-sms,precision,recompute", 2);
  ASSERT_EQ(one.considered.size(), two.considered.size());
  EXPECT_EQ(one.front, two.front);
  for (size_t i = 0; i < one.considered.size(); ++i) {
    EXPECT_EQ(one.considered[i].verdict, two.considered[i].verdict);
    EXPECT_EQ(one.considered[i].step_ns, two.considered[i].step_ns);
  }
}

// Mixtral 8x7B as Megatron-LM trains it.
Job megatron_job() {
  Job job = mixtral_job();
  job.software.emplace().rates = proto::find_training_rates("H100").value();
  return make_job(job).value();
}

TEST(LayoutSpace, DividesASequenceIntoSharesThatAreLongEnough) {
  Job job = mixtral_job();
  job.batch.sequence_length = 16384;
  std::set<int> values;
  for (const Job& layout : layouts_of(job, held("pipeline,tensor,recompute,precision,comm-sms"))) {
    values.insert(layout.layout.context);
  }
  EXPECT_EQ(values, (std::set<int>{1, 2, 4, 8}));
}

TEST(LayoutSpace, RecomputesWhatTheEngineOffers) {
  const auto values = [](const Job& job) {
    std::set<std::string> found;
    for (const Job& layout : layouts_of(job, held("pipeline,tensor,context,expert,micro-batch-size,comm-sms"))) {
      found.insert(field_value(layout, LayoutField::kRecompute));
    }
    return found;
  };
  EXPECT_EQ(values(mixtral_job()), (std::set<std::string>{"none", "selective", "full"}));
  Job job = megatron_job();
  job.software->recompute.core_attention = true;  // stays worth trying
  EXPECT_EQ(values(job),
            (std::set<std::string>{"none", "moe_act", "layernorm+moe_act", "layernorm+moe", "core_attn", "full"}));
  job.software->engine = StateEngine::kFsdp;
  job.software->recompute = {};
  EXPECT_EQ(values(job), (std::set<std::string>{"none", "op", "full"}));
  job.software->engine = StateEngine::kDeepSpeed;
  EXPECT_EQ(values(job), (std::set<std::string>{"none", "full"}));
}

TEST(LayoutSearch, KeepsToWhatAFrameworkRuns) {
  const Framework* megatron = find_framework("megatron").value();
  const LayoutSearchResult result =
      search_layouts(megatron_job(), held("recompute,comm-sms"), {.framework = megatron, .workers = 2, .progress = {}});
  ASSERT_FALSE(result.front.empty());
  for (const ConsideredLayout& entry : result.considered) {
    EXPECT_TRUE(megatron->check(result.layouts[entry.layout], *entry.schedule)) << entry.schedule->name;
  }
}

TEST(LayoutSearch, TellsHowTheJobsOwnLayoutStands) {
  const LayoutSearchResult result = found(mixtral_job(), "comm-sms,precision,recompute");
  const OwnLayout own = own_layout(mixtral_job(), result);
  ASSERT_GE(own.best, 0);
  const ConsideredLayout& entry = result.considered[own.best];
  EXPECT_EQ(result.layouts[entry.layout].layout.pipeline, 4);
  EXPECT_EQ(result.layouts[entry.layout].layout.expert, 8);
  EXPECT_GT(own.faster, 0);
  EXPECT_LT(own.faster, own.fitting);
  const OwnLayout best = own_layout(result.job_of(result.considered[result.front[0]]), result);
  EXPECT_EQ(best.faster, 0);
  Job other = mixtral_job();
  other.batch.micro_batch_size = 3;
  EXPECT_EQ(own_layout(other, result).best, -1);
}

TEST(LayoutSearch, TellsWhatEachValueOfAFieldCosts) {
  const LayoutSearchResult result = found(mixtral_job(), "comm-sms,precision,recompute");
  int64_t best_ns = INT64_MAX;
  int64_t considered = 0;
  for (const FieldOutcome& outcome : outcomes_of(result, LayoutField::kPipeline)) {
    considered += outcome.considered;
    if (outcome.timed >= 0) {
      EXPECT_EQ(field_value(result.layouts[result.considered[outcome.timed].layout], LayoutField::kPipeline),
                outcome.value);
      best_ns = std::min(best_ns, result.considered[outcome.timed].step_ns);
    }
  }
  EXPECT_EQ(considered, static_cast<int64_t>(result.considered.size()));
  EXPECT_EQ(best_ns, result.considered[result.front[0]].step_ns);
}

}  // namespace
}  // namespace pipeloom::planner
