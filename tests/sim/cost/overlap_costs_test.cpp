#include "sim/cost/overlap_costs.h"

#include <gtest/gtest.h>

#include "sim/cost/layer_costs.h"
#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

const StageProgram kLayer = {{0, Component::kAttention, Lane::kCompute, 10, 20, 5},
                             {0, Component::kDispatch, Lane::kEp, 4, 6, 0},
                             {0, Component::kExperts, Lane::kCompute, 8, 9, 7},
                             {0, Component::kCombine, Lane::kEp, 5, 3, 0}};
const OverlapStage kStage = {kLayer, {kLayer, kLayer}};

AllToAllKernel kernel_of(const SlotProgram& program, size_t step) {
  return slot_tasks(program, kStage, kStage)[step].kernel;
}

// docs/research/dsv3_chunk.md: in the backward of combine DeepEP launches its dispatch kernel, and the other way round.
TEST(OverlapCosts, TheBackwardOfATransferIsTheOthersKernel) {
  const SlotProgram forward = forward_program(kLayer);
  EXPECT_EQ(kernel_of(forward, 1), AllToAllKernel::kDispatch);
  EXPECT_EQ(kernel_of(forward, 3), AllToAllKernel::kCombine);
  const SlotProgram input = input_program(kLayer);  // combine, experts, dispatch, attention
  EXPECT_EQ(kernel_of(input, 0), AllToAllKernel::kDispatch);
  EXPECT_EQ(kernel_of(input, 2), AllToAllKernel::kCombine);
}

TEST(OverlapCosts, ChainsAndWeightsWaitForWhatTheyNeed) {
  const auto tasks = slot_tasks(backward_program(kLayer), kStage, kStage);
  ASSERT_EQ(tasks.size(), 6u);  // combine, experts I and W, dispatch, attention I and W
  EXPECT_EQ(tasks[0].after, -1);
  EXPECT_EQ(tasks[2].after, 1);  // W after its I
  EXPECT_EQ(tasks[3].after, 1);  // dispatch after the experts' I, not after their W
  EXPECT_EQ(tasks[5].after, 4);
}

// What a layer waits for beside its kernels may be hidden on few SMs and show on many: its place is there on both.
TEST(OverlapCosts, AStagesProgramsHaveTheSamePlacesWhateverTheSms) {
  const std::vector<int> layers = {61};
  for (int host_us = 50; host_us <= 400; host_us += 10) {
    Job job = tests::deepseek_v3_job();
    job.cluster->gpu.rates.host_us_per_kernel = host_us;
    const OverlapStage stage = overlap_stages(job, layers)[0];
    const StageProgram alone = stage_program(layer_costs(job, {job.cluster->gpu.sms}), stage_spans(layers)[0]);
    ASSERT_EQ(stage.alone.size(), alone.size()) << host_us;
    for (const StageProgram& beside : stage.beside) ASSERT_EQ(beside.size(), alone.size()) << host_us;
  }
}

}  // namespace
}  // namespace pipeloom::sim
