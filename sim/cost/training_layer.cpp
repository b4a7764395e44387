#include "sim/cost/training_layer.h"

#include <algorithm>

#include "sim/cost/layer_transfers.h"
#include "sim/cost/training_blocks.h"
#include "sim/cost/training_host.h"

namespace pipeloom::sim {

namespace {

// What the backward pass computes again of a block.
double recomputed(const Job& job, const TrainingBlock& block, bool experts, bool dense_mlp) {
  if (job.recompute == Recompute::kFull) return block.seconds.forward;
  const RecomputedParts parts = recomputed_parts(job);
  if (experts && parts.experts) return block.seconds.forward;
  if (dense_mlp && parts.mlp) return block.seconds.forward;
  double seconds = 0;
  if (parts.norms) seconds += block.norms;
  if (parts.core_attention) seconds += block.core;
  if (parts.up_projections) seconds += block.up_projections;
  if (parts.activations && experts) seconds += block.activation;
  if (parts.operators) seconds += block.products / 2 + block.pointwise;
  return seconds;
}

TrainingPart part_of_block(const Job& job, Component component, const TrainingBlock& block) {
  const bool experts = component == Component::kExperts || component == Component::kRouter;
  TrainingPart part = {component, Lane::kCompute, block.seconds};
  const double again = recomputed(job, block, experts, component == Component::kMlp);
  part.seconds.input += again;
  part.seconds.tensor *= 1 + again / block.seconds.forward / 3;  // as mixed as the forward pass
  return part;
}

TrainingPart transfer_part(const Job& job, Component component, double seconds) {
  TrainingPart part = {component, Lane::kEp, {seconds, seconds, 0}};
  const bool again = job.recompute == Recompute::kFull || job.software->recompute.experts;
  if (again) part.seconds.input += seconds;
  return part;
}

// What the longer of host and transfers leaves uncovered. NCCL's all-to-all needs counts on the host, which stops it:
// half of its time stays uncovered.
double waited(const Job& job, double gpu, double host, double transfer, bool stops) {
  constexpr double kBesideCompute = 0.9;  // of compute hides a transfer
  constexpr double kContention = 0.04;    // of a transfer slows compute
  double wait = std::max({0.0, host - gpu, transfer - kBesideCompute * gpu});
  if (stops && !job.software->graphs.step) wait = std::max(wait, host / 2);
  return wait + kContention * transfer;
}

TrainingPart waiting_part(const Job& job, const std::vector<TrainingPart>& parts, int kind) {
  const bool experts = job.model->is_moe_layer(kind);
  const HostSeconds host = host_seconds(job, experts);
  const LayerTransfers transfers = layer_transfers(job, kind);
  // Where the all-to-all runs beside another pass, it gives the host no time.
  PassSeconds gpu;
  for (const TrainingPart& part : parts) {
    if (part.lane == Lane::kCompute || !job.software->overlap_experts) gpu += part.seconds;
  }
  const bool stops = experts && job.layout.expert > 1 && job.software->dispatcher == Dispatcher::kAllToAll;
  TrainingPart wait = {Component::kWait, Lane::kCompute, {}};
  wait.seconds.forward = waited(job, gpu.forward, host.forward, transfers.forward_seconds, stops);
  wait.seconds.input =
      waited(job, gpu.input + gpu.weight, host.backward, transfers.input_seconds + transfers.weight_seconds, false);
  return wait;
}

}  // namespace

TrainingTokens training_tokens(const Job& job) {
  const double all = static_cast<double>(job.batch.tokens()) / job.layout.context;
  const double divided = all / job.layout.tensor;
  return {all, job.layout.sequence_parallel ? divided : all, divided};
}

std::vector<TrainingPart> training_layer(const Job& job, const TrainingKernels& kernels, int kind) {
  std::vector<TrainingPart> parts = {part_of_block(job, Component::kAttention, attention_block(job, kernels, kind))};
  if (!job.model->is_moe_layer(kind)) {
    parts.push_back(part_of_block(job, Component::kMlp, mlp_block(job, kernels)));
  } else {
    const double transfer = kernels.expert_transfer(training_tokens(job).routed);
    parts.push_back(part_of_block(job, Component::kRouter, router_block(job, kernels)));
    if (job.layout.expert > 1) parts.push_back(transfer_part(job, Component::kDispatch, transfer));
    parts.push_back(part_of_block(job, Component::kExperts, experts_block(job, kernels)));
    if (job.layout.expert > 1) parts.push_back(transfer_part(job, Component::kCombine, transfer));
  }
  for (TrainingPart& part : parts) {
    if (part.component == Component::kExperts || part.lane == Lane::kEp) {
      part.seconds *= 1 + job.software->expert_imbalance;
    }
  }
  parts.insert(parts.begin(), waiting_part(job, parts, kind));
  return parts;
}

}  // namespace pipeloom::sim
