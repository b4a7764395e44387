#include "core/job/model.h"

#include <fmt/format.h>

#include "core/base/field_check.h"

namespace pipeloom {

namespace {

// Far above any published model, low enough that products of two sizes stay inside int64.
constexpr int kMaxLayers = 10'000;
constexpr int kMaxWidth = 10'000'000;
constexpr int kMaxVocabulary = 100'000'000;
constexpr int kMaxExperts = 100'000;

Status check_attention(const AttentionShape& attention) {
  PIPELOOM_RETURN_IF_ERROR(check_field("model.attention.heads", int64_t{attention.heads}, 1, 100'000));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.attention.kv_heads", int64_t{attention.kv_heads}, 1, attention.heads));
  if (attention.heads % attention.kv_heads != 0) {
    return invalid(fmt::format("model.attention.kv_heads is {}; it must divide model.attention.heads ({})",
                               attention.kv_heads, attention.heads));
  }
  PIPELOOM_RETURN_IF_ERROR(check_field("model.attention.head_dim", int64_t{attention.head_dim}, 1, 65'536));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.attention.value_dim", int64_t{attention.value_dim}, 1, 65'536));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.attention.window", int64_t{attention.window}, 0, 100'000'000));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.attention.kv_lora_rank", int64_t{attention.kv_lora_rank}, 0, kMaxWidth));
  const int64_t mla_most = attention.is_mla() ? kMaxWidth : 0;
  const char* without_mla = attention.is_mla() ? "" : " (model.attention.kv_lora_rank is 0: not MLA)";
  for (const auto& [name, value] :
       {std::pair{"q_lora_rank", attention.q_lora_rank}, std::pair{"rope_dim", attention.rope_dim}}) {
    if (value < 0 || value > mla_most) {
      return invalid(
          fmt::format("model.attention.{} is {}; allowed are 0 to {}{}", name, value, mla_most, without_mla));
    }
  }
  return {};
}

Status check_moe(const MoeShape& moe, int layers) {
  PIPELOOM_RETURN_IF_ERROR(check_field("model.moe.routed_experts", int64_t{moe.routed_experts}, 1, kMaxExperts));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.moe.shared_experts", int64_t{moe.shared_experts}, 0, 1'000));
  PIPELOOM_RETURN_IF_ERROR(
      check_field("model.moe.experts_per_token", int64_t{moe.experts_per_token}, 1, moe.routed_experts));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.moe.intermediate", int64_t{moe.intermediate}, 1, kMaxWidth));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.moe.groups", int64_t{moe.groups}, 1, moe.routed_experts));
  if (moe.routed_experts % moe.groups != 0) {
    return invalid(fmt::format("model.moe.groups is {}; it must divide model.moe.routed_experts ({})", moe.groups,
                               moe.routed_experts));
  }
  PIPELOOM_RETURN_IF_ERROR(check_field("model.moe.groups_per_token", int64_t{moe.groups_per_token}, 1, moe.groups));
  const int64_t reachable = int64_t{moe.groups_per_token} * (moe.routed_experts / moe.groups);
  if (moe.experts_per_token > reachable) {
    return invalid(
        fmt::format("model.moe.experts_per_token is {}; model.moe.groups_per_token ({}) lets a token reach {}",
                    moe.experts_per_token, moe.groups_per_token, reachable));
  }
  PIPELOOM_RETURN_IF_ERROR(check_field("model.moe.first_dense_layers", int64_t{moe.first_dense_layers}, 0, layers - 1));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.moe.layer_step", int64_t{moe.layer_step}, 1, layers));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.moe.gate_scale", moe.gate_scale, 1e-6, 1e6));
  const double most = moe.gate == GateScore::kSigmoid ? 1 : 0;
  PIPELOOM_RETURN_IF_ERROR(check_field("model.moe.bias_step", moe.bias_step, 0.0, most));
  return check_field("model.moe.balance_loss", moe.balance_loss, 0.0, most);
}

bool has_dense_layer(const Model& model) {
  return !model.moe || model.moe->first_dense_layers > 0 || (model.moe->layer_step > 1 && model.layers > 1);
}

// Far above any model, low enough that its bytes stay inside int64. An upper estimate: every layer counts as MoE.
constexpr double kMaxParameters = 1e15;

double parameters_at_most(const Model& model) {
  const AttentionShape& a = model.attention;
  const double heads = 2.0 * a.heads * (double{1} * a.head_dim + a.rope_dim + a.value_dim);
  const double ranks = double{1} * a.q_lora_rank + a.kv_lora_rank;
  double inner = 3.0 * model.intermediate;
  if (model.moe) inner += 3.0 * model.moe->intermediate * (model.moe->routed_experts + model.moe->shared_experts);
  const double layer = model.hidden * (heads + ranks + inner) + ranks * heads;
  const double ends = 2.0 * model.hidden * (double{1} * model.vocabulary + model.learned_positions);
  return (model.layers + model.mtp_depth) * layer + ends;
}

void fill_head_dims(Model& model) {
  AttentionShape& attention = model.attention;
  if (attention.head_dim == 0 && attention.heads > 0 && model.hidden % attention.heads == 0) {
    attention.head_dim = model.hidden / attention.heads;
  }
  if (attention.value_dim == 0) attention.value_dim = attention.head_dim;
}

}  // namespace

Result<Model> make_model(Model model) {
  fill_head_dims(model);
  PIPELOOM_RETURN_IF_ERROR(check_field("model.layers", int64_t{model.layers}, 1, kMaxLayers));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.hidden", int64_t{model.hidden}, 1, kMaxWidth));
  PIPELOOM_RETURN_IF_ERROR(check_attention(model.attention));
  if (model.moe) PIPELOOM_RETURN_IF_ERROR(check_moe(*model.moe, model.layers));
  PIPELOOM_RETURN_IF_ERROR(
      check_field("model.intermediate", int64_t{model.intermediate}, has_dense_layer(model) ? 1 : 0, kMaxWidth));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.vocabulary", int64_t{model.vocabulary}, 1, kMaxVocabulary));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.learned_positions", int64_t{model.learned_positions}, 0, kMaxVocabulary));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.mtp_depth", int64_t{model.mtp_depth}, 0, 100));
  PIPELOOM_RETURN_IF_ERROR(check_field("model.mtp_loss_weight", model.mtp_loss_weight, 0.0, 1e6));
  if (parameters_at_most(model) > kMaxParameters) {
    return invalid(fmt::format("the model has up to {:.3g} parameters; allowed are {:.0e}", parameters_at_most(model),
                               kMaxParameters));
  }
  return model;
}

}  // namespace pipeloom
