#include <gtest/gtest.h>

#include "sim/cost/job_costs.h"
#include "sim/cost/layer_costs.h"
#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

Job job_of(const Model& model, int tensor, int expert, Precision precision, Recompute recompute) {
  Job job;
  job.model = model;
  job.cluster = tests::h800_cluster(16);
  job.batch = {.sequence_length = 4096, .micro_batch_size = 1, .global_batch = 1024};
  job.layout = {.pipeline = 4, .data = 32 / tensor, .tensor = tensor, .expert = expert, .layers_per_stage = {}};
  job.precision = precision;
  job.recompute = recompute;
  return make_job(job).value();
}

std::vector<int> spread_evenly(int layers, int stages) {
  std::vector<int> sizes(stages, layers / stages);
  for (int i = 0; i < layers % stages; ++i) ++sizes[i];
  return sizes;
}

void expect_sane(const Job& job) {
  const auto costs = step_costs(job, Placement::linear(4).value(), spread_evenly(job.model->layers, 4));
  ASSERT_TRUE(costs.has_value()) << costs.error().message;
  for (int stage = 0; stage < 4; ++stage) {
    const StageCost& cost = costs->schedule.stage(stage);
    EXPECT_GT(cost.forward.duration_ns, 0);
    EXPECT_GT(cost.weight_ns, 0);
    EXPECT_GT(cost.input_backward.duration_ns, 0);
    EXPECT_GT(costs->activations[stage].kept_for_weight, 0);
    EXPECT_GT(costs->states[stage].weights_bytes, 0);
    EXPECT_GT(costs->optimizer_ns[stage], 0);
  }
  EXPECT_GT(costs->flops_per_step, 0);
}

TEST(CostSweep, EveryModelLayoutAndRecipeHasSaneCosts) {
  for (const Model& model :
       {tests::gpt3_175b(), tests::llama2_7b(), tests::llama3_405b(), tests::mixtral_8x7b(), tests::deepseek_v3()}) {
    for (const int tensor : {1, 2, 8}) {
      for (const int expert : model.moe ? std::vector<int>{1, 2, 8} : std::vector<int>{1}) {
        for (const Precision precision : {Precision::kBf16, Precision::kFp16, Precision::kFp8}) {
          for (const Recompute recompute : {Recompute::kNone, Recompute::kSelective, Recompute::kFull}) {
            SCOPED_TRACE(model.family + " tensor " + std::to_string(tensor) + " expert " + std::to_string(expert));
            expect_sane(job_of(model, tensor, expert, precision, recompute));
          }
        }
      }
    }
  }
}

TEST(CostSweep, MoreRecomputationTakesLongerAndHoldsLess) {
  const auto costs_with = [](Recompute recompute) {
    const Job job = job_of(tests::deepseek_v3(), 1, 8, Precision::kFp8, recompute);
    return step_costs(job, Placement::linear(4).value(), spread_evenly(61, 4)).value();
  };
  const StepCosts none = costs_with(Recompute::kNone);
  const StepCosts selective = costs_with(Recompute::kSelective);
  const StepCosts full = costs_with(Recompute::kFull);
  EXPECT_LT(none.schedule.stage(1).backward.duration_ns, selective.schedule.stage(1).backward.duration_ns);
  EXPECT_LT(selective.schedule.stage(1).backward.duration_ns, full.schedule.stage(1).backward.duration_ns);
  EXPECT_GT(none.activations[1].total, selective.activations[1].total);
  EXPECT_GT(selective.activations[1].total, full.activations[1].total);
}

// The largest that the factories let through: a clear refusal, no overflow (run by the asan preset too).
TEST(CostSweep, AbsurdJobsAreRefusedNotOverflowed) {
  Job job = tests::llama3_405b_job();
  job.model->layers = 10'000;
  job.model->hidden = 1'000'000;
  job.model->intermediate = 10'000;
  job.model->attention = {.heads = 8, .kv_heads = 8, .head_dim = 1024, .value_dim = 1024};
  job.cluster->gpu.bf16_flops = 1e6;
  job.cluster->gpu.memory_bytes_per_s = 1e6;
  job.batch.sequence_length = 100'000'000;
  const Job legal = make_job(job).value();
  EXPECT_GT(layer_weights(legal).layers_ns[0], 0);
  const auto costs = step_costs(legal, Placement::linear(16).value(), spread_evenly(10'000, 16));
  ASSERT_FALSE(costs.has_value());
  EXPECT_NE(costs.error().message.find("allowed are 0 to 10000000000000"), std::string::npos) << costs.error().message;
}

}  // namespace
}  // namespace pipeloom::sim
