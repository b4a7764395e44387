#include "sim/cost/layer_transfers.h"

#include <gtest/gtest.h>

#include "proto/job/gpu_files.h"
#include "sim/cost/layer_costs.h"
#include "sim/cost/memory_model.h"
#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

int64_t wait_of(const StageProgram& program, int64_t ComponentCost::*pass) {
  return program.front().component == Component::kWait ? program.front().*pass : 0;
}

// 1/8 of a layer's weights over 8 replicas at one NIC: 7/8 of 2 B each.
TEST(LayerTransfers, Zero3GathersWeights) {
  Job job = tests::llama3_405b_job();
  EXPECT_EQ(layer_transfers(job, 0).forward_seconds, 0);
  job.zero_stage = 3;
  const LayerTransfers transfers = layer_transfers(job, 0);
  const double weights = 2.0 * 16384 * 16384 + 2.0 * 16384 * 1024 + 3.0 * 16384 * 53248 + 2 * 16384;
  EXPECT_NEAR(transfers.forward_seconds, 7.0 / 8 * weights / 8 * 2 / 45e9, 1e-9);
  EXPECT_EQ(transfers.input_seconds, transfers.forward_seconds);
  EXPECT_DOUBLE_EQ(transfers.weight_seconds, 2 * transfers.forward_seconds);  // FP32 gradients
}

TEST(LayerTransfers, OffloadedActivationsCrossToTheHost) {
  Job job = tests::llama3_405b_job();
  job.offload.activations = 0.5;
  const auto bytes = static_cast<double>(layer_activation_bytes(job, 0));
  EXPECT_DOUBLE_EQ(layer_transfers(job, 0).forward_seconds, bytes / 2 / 50e9);
  EXPECT_EQ(layer_transfers(job, 0).weight_seconds, 0);
}

// A layer waits for what its compute does not hide, and for no more.
TEST(LayerTransfers, LayersWaitForWhatComputeDoesNotHide) {
  Job job = tests::llama3_405b_job();
  const StageProgram before = layer_costs(job, {132}).layers[0];
  EXPECT_EQ(wait_of(before, &ComponentCost::forward_ns), 0);
  job.zero_stage = 3;
  const StageProgram after = layer_costs(job, {132}).layers[0];
  const double gathered_ns = 1e9 * layer_transfers(job, 0).forward_seconds;
  ASSERT_GT(gathered_ns, static_cast<double>(sum_of(before).forward_ns));
  EXPECT_NEAR(static_cast<double>(sum_of(after).forward_ns), gathered_ns, 5);
  job.cluster->nic_bytes_per_s *= 100;
  const StageProgram hidden = layer_costs(job, {132}).layers[0];
  EXPECT_EQ(wait_of(hidden, &ComponentCost::forward_ns), 0);
  EXPECT_EQ(sum_of(hidden).forward_ns, sum_of(before).forward_ns);
}

// The host launches one kernel after the other: a small layer takes as long as that.
TEST(LayerTransfers, SmallLayersWaitForTheHost) {
  Job job = tests::llama3_405b_job();
  job.model = tests::llama2_7b();
  job.cluster->gpu = proto::find_gpu("A100-80GB").value();
  job.layout.tensor = 1;
  job.layout.data = 64;
  job.batch.sequence_length = 8;
  const int64_t forward_ns = sum_of(layer_costs(job, {108}).layers[0]).forward_ns;
  constexpr int kKernels = 6 + 5;  // of attention and MLP
  EXPECT_NEAR(static_cast<double>(forward_ns), kKernels * 48.6e3, 5);
}

}  // namespace
}  // namespace pipeloom::sim
