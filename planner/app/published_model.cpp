#include "planner/app/published_model.h"

#include <fmt/format.h>

#include "proto/huggingface/huggingface.h"

namespace pipeloom::planner {

namespace {

// BLOOM's sweeps (bigscience): GPT with GELU, ALiBi, biases and a tied embedding. The columns model_* have its sizes.
Model bloom_shape() {
  Model model;
  model.family = "gpt";
  model.gated_mlp = false;
  model.tied_embedding = true;
  model.mlp_bias = true;
  model.attention.bias = true;
  return model;
}

void change_attention(PublishedSettings& settings, Model& model) {
  AttentionShape& attention = model.attention;
  const int hidden = model.hidden;
  model.hidden = settings.count_or("model_hidden", model.hidden);
  const int heads = attention.heads;
  attention.heads = settings.count_or("model_heads", attention.heads);
  attention.kv_heads =
      settings.count_or("model_kv_heads", heads == attention.kv_heads ? attention.heads : attention.kv_heads);
  if (model.hidden == hidden && attention.heads == heads) return;
  attention.head_dim = attention.value_dim = 0;  // hidden / heads
}

void change_experts(PublishedSettings& settings, Model& model) {
  const int experts = settings.count_or("model_experts", 0);
  const int chosen = settings.count_or("model_topk", 0);
  const int width = settings.count_or("model_expert_ffn", 0);
  if (!model.moe) return;
  if (experts > 0) model.moe->routed_experts = experts;
  if (chosen > 0) model.moe->experts_per_token = chosen;
  if (width > 0) model.moe->intermediate = width;
}

}  // namespace

Result<Model> published_model(PublishedSettings& settings, const ModelTexts& texts) {
  const std::string name(settings.text("model"));
  Model model = bloom_shape();
  if (name == "gpt") {
    for (const char* column : {"model_layers", "model_hidden", "model_ffn", "model_heads"}) settings.count(column);
    PIPELOOM_RETURN_IF_ERROR(settings.status());
  } else {
    PIPELOOM_TRY(const std::string text, texts(name));
    PIPELOOM_TRY(model, proto::model_from_huggingface(text, name));
  }
  model.layers = settings.count_or("model_layers", model.layers);
  if (model.moe && model.moe->first_dense_layers >= model.layers) model.moe->first_dense_layers = model.layers - 1;
  if (model.moe && settings.remarks("first layer dense, others MoE")) model.moe->first_dense_layers = 1;
  model.intermediate = settings.count_or("model_ffn", model.intermediate);
  model.vocabulary = settings.count_or("model_vocab", model.vocabulary);
  change_attention(settings, model);
  change_experts(settings, model);
  model.mtp_depth = settings.count_or("mtp", 0);
  PIPELOOM_RETURN_IF_ERROR(settings.status());
  return make_model(std::move(model));
}

}  // namespace pipeloom::planner
