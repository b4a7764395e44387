#include "sim/cost/groups.h"
#include "sim/cost/memory.h"
#include "sim/cost/parameters.h"

namespace pipeloom {

namespace {

// Bytes per parameter. BF16 and FP16: Megatron-LM, docs on the distributed optimizer (BF16 weights with FP32 gradients:
// 6 + 12/d; FP16 weights and gradients: 4 + 16/d). FP8: DeepSeek-V3 (arXiv 2412.19437, section 3.3): FP8 operands of
// products, FP32 master weights and gradients, BF16 moments.
struct StateBytes {
  int64_t weight;
  int64_t gradient;
  int64_t optimizer;
};

StateBytes state_bytes(Precision precision) {
  switch (precision) {
    case Precision::kFp8:
      return {1, 4, 8};
    case Precision::kFp16:
      return {2, 2, 16};
    case Precision::kBf16:
      break;
  }
  return {2, 4, 12};
}

int64_t share(int64_t whole, int64_t shards) {
  return (whole + shards - 1) / shards;
}

}  // namespace

double gradient_bytes(Precision precision) {
  return static_cast<double>(state_bytes(precision).gradient);
}

StageParameters stage_parameters(const Job& job, const StageSpan& span, bool ends_meet) {
  const Model& model = *job.model;
  StageParameters sum;
  const auto add = [&](const LayerParameters& layer) {
    sum.dense += layer.dense;
    sum.routed += layer.routed;
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
  return {share(sum.dense, job.layout.tensor), share(sum.routed, job.layout.expert),
          share(sum.ends, job.layout.tensor)};
}

// From its stage 2 on ZeRO shards the gradients, from stage 3 on the weights (Rajbhandari et al., SC20, section 5).
StageState stage_state(const Job& job, const StageParameters& parameters, int copies) {
  constexpr int64_t kBf16Bytes = 2;
  const StateBytes bytes = state_bytes(job.precision);
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
  const int64_t weights =
      spread(parameters.dense * bytes.weight + parameters.ends * kBf16Bytes, parameters.routed * bytes.weight, 3);
  return {weights, all(bytes.gradient, 2), job.offload.optimizer ? 0 : all(bytes.optimizer, 1)};
}

}  // namespace pipeloom
