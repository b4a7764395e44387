#include <algorithm>
#include <cmath>

#include "sim/cost/job_costs.h"
#include "sim/cost/parameter_count.h"

namespace pipeloom::sim {

namespace {

double product_weights(const Model& model) {
  double weights = static_cast<double>(model.hidden) * model.vocabulary;
  for (int layer = 0; layer < model.layers; ++layer) {
    weights += static_cast<double>(attention_parameters(model));
    if (model.is_moe_layer(layer)) {
      const int experts = model.moe->experts_per_token + model.moe->shared_experts;
      weights += static_cast<double>(experts * mlp_parameters(model, model.moe->intermediate));
    } else {
      weights += static_cast<double>(mlp_parameters(model, model.intermediate));
    }
  }
  return weights;
}

}  // namespace

// The reading that reproduces DeepSeek-V3's published 385 causal TFLOPS and 38.94 % MFU (ISCA'25, arXiv 2505.09343,
// table 4; docs/research/costs.md, section 1).
int64_t reported_flops_per_step(const Job& job) {
  const Model& model = *job.model;
  const AttentionShape& a = model.attention;
  const auto sequence = static_cast<double>(job.batch.sequence_length);
  const double core = 6 * sequence / 2 * a.heads * (a.head_dim + a.rope_dim + a.value_dim) * model.layers;
  const double tokens = sequence * static_cast<double>(job.batch.global_batch);
  const double flops = (6 * product_weights(model) + core) * tokens / job.cluster->gpus();
  return std::llround(std::min(flops, 9e18));
}

}  // namespace pipeloom::sim
