#include "sim/cost/parameter_count.h"

namespace pipeloom::sim {

namespace {

// DeepSeek-V2 (arXiv 2405.04434), equations 9 to 19: down- and up-projections of queries and of keys and values.
int64_t mla_parameters(const AttentionShape& attention, int64_t hidden) {
  const int64_t query_width = int64_t{attention.heads} * (attention.head_dim + attention.rope_dim);
  const int64_t query = attention.q_lora_rank > 0
                            ? attention.q_lora_rank * (hidden + query_width + 1)  // + 1: the norm between
                            : hidden * query_width;
  const int64_t key_value =
      hidden * (attention.kv_lora_rank + attention.rope_dim) + attention.kv_lora_rank +
      int64_t{attention.kv_lora_rank} * attention.heads * (attention.head_dim + attention.value_dim);
  return query + key_value + int64_t{attention.heads} * attention.value_dim * hidden;
}

int64_t norm_parameters(const Model& model) {
  return model.mlp_bias ? 2 * model.hidden : model.hidden;
}

}  // namespace

int64_t attention_parameters(const Model& model) {
  const AttentionShape& attention = model.attention;
  const int64_t hidden = model.hidden;
  if (attention.is_mla()) return mla_parameters(attention, hidden);
  const int64_t query = int64_t{attention.heads} * attention.head_dim;
  const int64_t key_value = int64_t{attention.kv_heads} * (attention.head_dim + attention.value_dim);
  const int64_t output = int64_t{attention.heads} * attention.value_dim;
  const int64_t bias = attention.bias ? query + key_value + hidden : 0;
  return hidden * (query + key_value + output) + bias;
}

int64_t mlp_parameters(const Model& model, int64_t intermediate) {
  const int64_t products = model.gated_mlp ? 3 : 2;
  const int64_t bias = model.mlp_bias ? (products - 1) * intermediate + model.hidden : 0;
  return products * model.hidden * intermediate + bias;
}

LayerParameters layer_parameters(const Model& model, int layer) {
  const int64_t common = attention_parameters(model) + 2 * norm_parameters(model);
  if (!model.is_moe_layer(layer)) return {common + mlp_parameters(model, model.intermediate), 0};
  const MoeShape& moe = *model.moe;
  const int64_t router = int64_t{model.hidden} * moe.routed_experts + (moe.bias_step > 0 ? moe.routed_experts : 0);
  const int64_t expert = mlp_parameters(model, moe.intermediate);
  return {common + router + moe.shared_experts * expert, moe.routed_experts * expert};
}

int64_t embedding_parameters(const Model& model) {
  return int64_t{model.hidden} * (int64_t{model.vocabulary} + model.learned_positions);
}

int64_t head_parameters(const Model& model) {
  return int64_t{model.hidden} * model.vocabulary + norm_parameters(model);
}

// Two norms, the projection of [hidden, embedding] to hidden, and one layer (DeepSeek-V3, arXiv 2412.19437, eq. 21).
LayerParameters mtp_parameters(const Model& model) {
  LayerParameters parameters = layer_parameters(model, mtp_layer(model));
  parameters.dense += 2 * int64_t{model.hidden} * model.hidden + 3 * norm_parameters(model);
  return parameters;
}

int64_t total_parameters(const Model& model) {
  int64_t sum = embedding_parameters(model) + head_parameters(model);
  if (model.tied_embedding) sum -= int64_t{model.hidden} * model.vocabulary;
  for (int layer = 0; layer < model.layers; ++layer) sum += layer_parameters(model, layer).total();
  return sum;
}

int64_t active_parameters(const Model& model) {
  int64_t sum = head_parameters(model);
  for (int layer = 0; layer < model.layers; ++layer) {
    const LayerParameters parameters = layer_parameters(model, layer);
    sum += parameters.dense;
    if (parameters.routed > 0) sum += parameters.routed / model.moe->routed_experts * model.moe->experts_per_token;
  }
  return sum;
}

}  // namespace pipeloom::sim
