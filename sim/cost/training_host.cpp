#include "sim/cost/training_host.h"

#include "sim/cost/training_kernels.h"

namespace pipeloom::sim {

namespace {

struct Ops {
  double forward = 0;
  double backward = 0;
};

// Operations of the framework in one layer. With experts: 151 kernels per layer of Qwen3-30B in Megatron-Bridge's
// published capture (463,348 in 48 layers and 64 micro-batches); casts launch more.
Ops ops_of_layer(const Job& job, bool experts) {
  const bool narrow = job.software->recipe != ProductRecipe::kWide;
  if (!experts) return narrow ? Ops{26, 44} : Ops{13, 24};
  return narrow ? Ops{75 + 14, 76 + 20} : Ops{75, 76};
}

// Kernels that C++ launches for the experts of one GPU: one per expert and product, and their casts.
Ops expert_launches(const Job& job) {
  const Software& software = *job.software;
  if (software.fused_experts) return {6, 12};
  double casts = 1;
  if (software.recipe == ProductRecipe::kMxfp8) casts = 3;
  if (software.recipe != ProductRecipe::kWide && software.recipe != ProductRecipe::kMxfp8) casts = 2.5;
  const double held = static_cast<double>(job.model->moe->routed_experts) / job.layout.expert;
  return {2 * held * casts, 4 * held * casts};
}

// The share of a layer's operations that the host still launches.
double launched_share(const CapturedParts& graphs, bool experts) {
  double share = 1;
  if (graphs.attention) share -= experts ? 0.28 : 0.5;
  if (graphs.router && experts) share -= 0.35;
  if (graphs.mlp && !experts) share -= 0.4;
  return share;
}

}  // namespace

HostSeconds host_seconds(const Job& job, bool experts) {
  const Software& software = *job.software;
  if (software.graphs.step) return {};
  const Ops ops = ops_of_layer(job, experts);
  const double share = launched_share(software.graphs, experts);
  const double op = software.rates.host_us_per_op * 1e-6 * share;
  HostSeconds seconds = {ops.forward * op, ops.backward * op};
  if (experts) {
    const Ops launches = expert_launches(job);
    seconds.forward += launches.forward * software.rates.host_us_per_launch * 1e-6;
    seconds.backward += launches.backward * software.rates.host_us_per_launch * 1e-6;
  }
  if (job.recompute == Recompute::kFull) seconds.backward += seconds.forward;
  return seconds;
}

}  // namespace pipeloom::sim
