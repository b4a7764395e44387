#include "proto/job/model_message.h"

#include <fmt/format.h>

#include "proto/job/job.pb.h"

namespace pipeloom::proto {

namespace {

static_assert(static_cast<int>(GateScore::kSoftmax) == message::Moe::SOFTMAX);
static_assert(static_cast<int>(GateScore::kSigmoid) == message::Moe::SIGMOID);

void store_attention(const AttentionShape& attention, message::Attention* message) {
  message->set_heads(attention.heads);
  message->set_kv_heads(attention.kv_heads);
  message->set_head_dim(attention.head_dim);
  message->set_value_dim(attention.value_dim);
  message->set_q_lora_rank(attention.q_lora_rank);
  message->set_kv_lora_rank(attention.kv_lora_rank);
  message->set_rope_dim(attention.rope_dim);
  message->set_bias(attention.bias);
  message->set_window(attention.window);
}

AttentionShape load_attention(const message::Attention& message) {
  AttentionShape attention;
  if (message.has_heads()) attention.heads = message.heads();
  if (message.has_kv_heads()) attention.kv_heads = message.kv_heads();
  attention.head_dim = message.head_dim();
  attention.value_dim = message.value_dim();
  attention.q_lora_rank = message.q_lora_rank();
  attention.kv_lora_rank = message.kv_lora_rank();
  attention.rope_dim = message.rope_dim();
  attention.bias = message.bias();
  attention.window = message.window();
  return attention;
}

void store_moe(const MoeShape& moe, message::Moe* message) {
  message->set_routed_experts(moe.routed_experts);
  message->set_shared_experts(moe.shared_experts);
  message->set_experts_per_token(moe.experts_per_token);
  message->set_intermediate(moe.intermediate);
  message->set_groups(moe.groups);
  message->set_groups_per_token(moe.groups_per_token);
  message->set_first_dense_layers(moe.first_dense_layers);
  message->set_layer_step(moe.layer_step);
  message->set_gate(static_cast<message::Moe::Gate>(moe.gate));
  message->set_gate_scale(moe.gate_scale);
  message->set_bias_step(moe.bias_step);
  message->set_balance_loss(moe.balance_loss);
}

Result<MoeShape> load_moe(const message::Moe& message) {
  MoeShape moe;
  moe.routed_experts = message.routed_experts();
  moe.shared_experts = message.shared_experts();
  moe.experts_per_token = message.experts_per_token();
  moe.intermediate = message.intermediate();
  if (message.has_groups()) moe.groups = message.groups();
  if (message.has_groups_per_token()) moe.groups_per_token = message.groups_per_token();
  moe.first_dense_layers = message.first_dense_layers();
  if (message.has_layer_step()) moe.layer_step = message.layer_step();
  if (message.gate() != message::Moe::SOFTMAX && message.gate() != message::Moe::SIGMOID) {
    return invalid(fmt::format("model.moe.gate is {}; allowed are 0 and 1", static_cast<int>(message.gate())));
  }
  moe.gate = static_cast<GateScore>(message.gate());
  if (message.has_gate_scale()) moe.gate_scale = message.gate_scale();
  moe.bias_step = message.bias_step();
  moe.balance_loss = message.balance_loss();
  return moe;
}

}  // namespace

void store_model(const Model& model, message::Model* message) {
  message->set_family(model.family);
  message->set_layers(model.layers);
  message->set_hidden(model.hidden);
  message->set_intermediate(model.intermediate);
  message->set_gated_mlp(model.gated_mlp);
  message->set_vocabulary(model.vocabulary);
  message->set_learned_positions(model.learned_positions);
  message->set_tied_embedding(model.tied_embedding);
  message->set_mlp_bias(model.mlp_bias);
  message->set_dropout(model.dropout);
  store_attention(model.attention, message->mutable_attention());
  if (model.moe) store_moe(*model.moe, message->mutable_moe());
  message->set_mtp_depth(model.mtp_depth);
  message->set_mtp_loss_weight(model.mtp_loss_weight);
  message->set_clamped_activation(model.clamped_activation);
}

Result<Model> load_model(const message::Model& message) {
  Model model;
  model.family = message.family();
  model.layers = message.layers();
  model.hidden = message.hidden();
  model.intermediate = message.intermediate();
  if (message.has_gated_mlp()) model.gated_mlp = message.gated_mlp();
  model.vocabulary = message.vocabulary();
  model.learned_positions = message.learned_positions();
  model.tied_embedding = message.tied_embedding();
  model.mlp_bias = message.mlp_bias();
  model.dropout = message.dropout();
  model.attention = load_attention(message.attention());
  if (message.has_moe()) {
    PIPELOOM_TRY(model.moe, load_moe(message.moe()));
  }
  model.mtp_depth = message.mtp_depth();
  if (message.has_mtp_loss_weight()) model.mtp_loss_weight = message.mtp_loss_weight();
  model.clamped_activation = message.clamped_activation();
  return make_model(std::move(model));
}

}  // namespace pipeloom::proto
