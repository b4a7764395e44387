#include "sim/cost/groups.h"
#include "sim/cost/memory_model.h"
#include "sim/cost/parameter_count.h"
#include "sim/cost/training_memory.h"

namespace pipeloom::sim {

namespace {

// Bytes per parameter. BF16 and FP16: Megatron-LM, docs on the distributed optimizer (BF16 weights with FP32 gradients:
// 6 + 12/d; FP16 weights and gradients: 4 + 16/d). FP8: DeepSeek-V3 (arXiv 2412.19437, section 3.3): FP8 operands of
// products, FP32 master weights and gradients.
int64_t weight_bytes(Format factors) {
  return factors == Format::kFp8 ? 1 : 2;
}

int64_t optimizer_bytes(const Job& job) {
  constexpr int64_t kMaster = 4;
  const int64_t widened_gradients = job.precision == Precision::kFp16 ? 4 : 0;
  return kMaster + 2 * static_cast<int64_t>(row_bytes(formats_of(job).moments, 1)) + widened_gradients;
}

int64_t share(int64_t whole, int64_t shards) {
  return (whole + shards - 1) / shards;
}

}  // namespace

double gradient_bytes(Precision precision) {
  return precision == Precision::kFp16 ? 2 : 4;
}

StageParameters stage_parameters(const Job& job, const StageSpan& span, bool ends_meet) {
  const Model& model = *job.model;
  StageParameters sum;
  const auto add = [&](const LayerParameters& layer) {
    sum.dense += layer.dense;
    sum.routed += layer.routed;
    sum.attention += attention_parameters(model);
  };
  for (int layer = span.first_layer; layer < span.end_layer(); ++layer) add(layer_parameters(model, layer));
  if (span.is_first) sum.ends += embedding_parameters(model);
  if (span.is_last) {
    sum.ends += head_parameters(model);
    const int64_t embedding = int64_t{model.hidden} * model.vocabulary;
    const bool together = ends_meet || span.is_first;
    if (model.tied_embedding && together) sum.ends -= embedding;
    if (model.mtp_depth > 0 && !model.tied_embedding && !together) sum.ends += embedding;
    for (int module = 0; module < model.mtp_depth; ++module) add(mtp_parameters(model));
  }
  return {share(sum.dense, job.layout.tensor), share(sum.routed, job.layout.expert), share(sum.ends, job.layout.tensor),
          share(sum.attention, job.layout.tensor)};
}

// From its stage 2 on ZeRO shards the gradients, from stage 3 on the weights (Rajbhandari et al., SC20, section 5).
StageState stage_state(const Job& job, const StageParameters& parameters, int copies) {
  if (job.software) return training_state(job, parameters, copies);
  constexpr int64_t kBf16Bytes = 2;
  const Formats formats = formats_of(job);
  const int64_t dense_shards = dense_replicas(job.layout, *job.cluster, copies).members;
  const int64_t routed_shards = expert_replicas(job.layout, *job.cluster, copies).members;
  const auto spread = [&](int64_t dense_bytes, int64_t routed_bytes, int from_zero_stage) {
    if (job.zero_stage < from_zero_stage) return dense_bytes + routed_bytes;
    return share(dense_bytes, dense_shards) + share(routed_bytes, routed_shards);
  };
  const auto all = [&](int64_t bytes_per_parameter, int from_zero_stage) {
    return spread((parameters.dense + parameters.ends) * bytes_per_parameter, parameters.routed * bytes_per_parameter,
                  from_zero_stage);
  };
  const int64_t dense = (parameters.dense - parameters.attention) * weight_bytes(formats.mlp) +
                        parameters.attention * weight_bytes(formats.attention) + parameters.ends * kBf16Bytes;
  const int64_t weights = spread(dense, parameters.routed * weight_bytes(formats.mlp), 3);
  const int64_t gradients = all(static_cast<int64_t>(gradient_bytes(job.precision)), 2);
  return {weights, gradients, job.offload.optimizer ? 0 : all(optimizer_bytes(job), 1)};
}

}  // namespace pipeloom::sim
