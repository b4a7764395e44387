#include "proto/huggingface/huggingface.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "proto/base/version.h"
#include "proto/huggingface/config_fields.h"

namespace pipeloom::proto {

namespace {

// Absent fields mean what HuggingFace's transformers takes them to mean (configuration_*.py).

int divide_hidden(ConfigFields& fields, const char* hidden_name, int hidden, const char* heads_name, int heads) {
  if (hidden % heads == 0) return hidden / heads;
  fields.fail(fmt::format("{} is {}; it must be a multiple of {} ({})", hidden_name, hidden, heads_name, heads));
  return 1;
}

// What all families but GPT-2 name alike.
Model common(ConfigFields& fields, const char* family) {
  Model model;
  model.family = family;
  model.layers = fields.number("num_hidden_layers");
  model.hidden = fields.number("hidden_size");
  model.intermediate = fields.number("intermediate_size");
  model.vocabulary = fields.number("vocab_size");
  model.tied_embedding = fields.flag_or("tie_word_embeddings", false);
  model.attention.heads = fields.number("num_attention_heads");
  return model;
}

Model llama_like(ConfigFields& fields, const char* family) {
  Model model = common(fields, family);
  AttentionShape& attention = model.attention;
  attention.kv_heads = fields.number_or("num_key_value_heads", attention.heads);
  attention.head_dim = fields.number_or("head_dim", 0);
  if (attention.head_dim == 0) {
    attention.head_dim = divide_hidden(fields, "hidden_size", model.hidden, "num_attention_heads", attention.heads);
  }
  attention.value_dim = attention.head_dim;
  attention.bias = fields.flag_or("attention_bias", false);
  model.mlp_bias = fields.flag_or("mlp_bias", false);
  return model;
}

Model llama(ConfigFields& fields) {
  return llama_like(fields, "llama");
}

Model mistral(ConfigFields& fields) {
  return llama_like(fields, "mistral");
}

// Biases on the query, key and value products.
Model qwen2(ConfigFields& fields) {
  Model model = llama_like(fields, "qwen");
  model.attention.bias = true;
  return model;
}

Model qwen3(ConfigFields& fields) {
  return llama_like(fields, "qwen");
}

// GPT-2 and what is written in its words (GPT-3).
Model gpt(ConfigFields& fields) {
  Model model;
  model.family = "gpt";
  model.layers = fields.number("n_layer");
  model.hidden = fields.number("n_embd");
  model.intermediate = fields.number_or("n_inner", 0);
  if (model.intermediate == 0) model.intermediate = 4 * model.hidden;
  model.gated_mlp = false;
  model.vocabulary = fields.number("vocab_size");
  model.learned_positions = fields.number("n_positions");
  model.tied_embedding = fields.flag_or("tie_word_embeddings", true);
  model.mlp_bias = true;
  constexpr double kDefaultDropout = 0.1;  // of the field's class in transformers
  model.dropout =
      fields.share_or("attn_pdrop", kDefaultDropout) > 0 || fields.share_or("resid_pdrop", kDefaultDropout) > 0;
  AttentionShape& attention = model.attention;
  attention.heads = fields.number("n_head");
  attention.kv_heads = attention.heads;
  attention.head_dim = divide_hidden(fields, "n_embd", model.hidden, "n_head", attention.heads);
  attention.value_dim = attention.head_dim;
  attention.bias = true;
  return model;
}

Model mixtral(ConfigFields& fields) {
  Model model = llama_like(fields, "mixtral");
  MoeShape& moe = model.moe.emplace();
  moe.routed_experts = fields.number("num_local_experts");
  moe.experts_per_token = fields.number("num_experts_per_tok");
  moe.intermediate = model.intermediate;
  return model;
}

void add_qwen_experts(ConfigFields& fields, Model* model) {
  MoeShape& moe = model->moe.emplace();
  moe.routed_experts = fields.number("num_experts");
  moe.experts_per_token = fields.number("num_experts_per_tok");
  moe.intermediate = fields.number("moe_intermediate_size");
  // Layer i has experts where (i + 1) is a multiple of the step.
  moe.layer_step = fields.number_or("decoder_sparse_step", 1);
  moe.first_dense_layers = moe.layer_step - 1;
}

Model qwen3_moe(ConfigFields& fields) {
  Model model = qwen3(fields);
  add_qwen_experts(fields, &model);
  return model;
}

Model qwen2_moe(ConfigFields& fields) {
  Model model = qwen2(fields);
  add_qwen_experts(fields, &model);
  const int shared = fields.number("shared_expert_intermediate_size", 0);
  if (shared % model.moe->intermediate != 0) {
    fields.fail(
        fmt::format("shared_expert_intermediate_size is {}; it must be a multiple of moe_intermediate_size ({})",
                    shared, model.moe->intermediate));
  }
  model.moe->shared_experts = shared / model.moe->intermediate;
  return model;
}

// Multi-head latent attention.
AttentionShape deepseek_attention(ConfigFields& fields, int heads) {
  AttentionShape attention;
  attention.heads = heads;
  attention.kv_heads = heads;
  attention.head_dim = fields.number("qk_nope_head_dim");
  attention.value_dim = fields.number("v_head_dim");
  attention.q_lora_rank = fields.number_or("q_lora_rank", 0, 0);
  attention.kv_lora_rank = fields.number("kv_lora_rank");
  attention.rope_dim = fields.number("qk_rope_head_dim");
  attention.bias = fields.flag_or("attention_bias", false);
  return attention;
}

// Balanced by biases, as DeepSeek-V3 was (arXiv 2412.19437, section 4.2: of most of the training).
constexpr double kDeepseekBiasStep = 1e-3;
constexpr double kDeepseekBalanceLoss = 1e-4;

void read_deepseek_gate(ConfigFields& fields, MoeShape* moe) {
  if (fields.name_of("scoring_func", {"softmax", "sigmoid"}) == "softmax") return;
  moe->gate = GateScore::kSigmoid;
  moe->gate_scale = fields.factor_or("routed_scaling_factor", 1);
  if (fields.name_of("topk_method", {"noaux_tc", "greedy", "group_limited_greedy"}) != "noaux_tc") return;
  moe->bias_step = kDeepseekBiasStep;
  moe->balance_loss = kDeepseekBalanceLoss;
}

MoeShape deepseek_experts(ConfigFields& fields) {
  MoeShape moe;
  moe.routed_experts = fields.number("n_routed_experts");
  moe.shared_experts = fields.number_or("n_shared_experts", 0, 0);
  moe.experts_per_token = fields.number("num_experts_per_tok");
  moe.intermediate = fields.number("moe_intermediate_size");
  moe.groups = fields.number_or("n_group", 1);
  moe.groups_per_token = fields.number_or("topk_group", 1);
  moe.layer_step = fields.number_or("moe_layer_freq", 1);
  // Layer i has experts from first_k_dense_replace on where i is a multiple of the step.
  const int first = fields.number_or("first_k_dense_replace", 0, 0);
  moe.first_dense_layers = (first + moe.layer_step - 1) / moe.layer_step * moe.layer_step;
  read_deepseek_gate(fields, &moe);
  return moe;
}

// V2 and V3.
Model deepseek(ConfigFields& fields) {
  Model model = common(fields, "deepseek");
  model.attention = deepseek_attention(fields, model.attention.heads);
  model.moe = deepseek_experts(fields);
  model.mtp_depth = fields.number_or("num_nextn_predict_layers", 0, 0);
  return model;
}

// Squared ReLU between two products.
Model nemotron(ConfigFields& fields) {
  Model model = llama_like(fields, "nemotron");
  model.gated_mlp = false;
  return model;
}

// ALiBi in the place of positions.
Model bloom(ConfigFields& fields) {
  Model model = llama_like(fields, "bloom");
  model.gated_mlp = false;
  model.mlp_bias = true;
  model.attention.bias = true;
  return model;
}

// Every layer has experts; layers with a sliding window and without one take turns.
Model gpt_oss(ConfigFields& fields) {
  Model model = mixtral(fields);
  model.family = "gpt-oss";
  model.attention.window = fields.number_or("sliding_window", 0, 0);
  model.clamped_activation = true;  // its limit is part of the architecture
  return model;
}

Model grok(ConfigFields& fields) {
  Model model = llama_like(fields, "grok");
  MoeShape& moe = model.moe.emplace();
  moe.routed_experts = fields.number("num_experts");
  moe.experts_per_token = fields.number("num_experts_per_tok");
  moe.intermediate = model.intermediate;
  return model;
}

// Its chunks of attention hold whole training sequences (8192 tokens); every second layer has experts.
Model llama4(ConfigFields& fields) {
  Model model = llama_like(fields, "llama4");
  MoeShape& moe = model.moe.emplace();
  moe.routed_experts = fields.number("num_local_experts");
  moe.experts_per_token = fields.number("num_experts_per_tok");
  moe.intermediate = model.intermediate;
  moe.shared_experts = 1;
  moe.layer_step = fields.number_or("interleave_moe_layer_step", 1);
  moe.first_dense_layers = moe.layer_step - 1;
  model.intermediate = fields.number("intermediate_size_mlp");
  return model;
}

struct Family {
  const char* model_type;
  const char* architecture;
  Model (*read)(ConfigFields& fields);
};

constexpr Family kFamilies[] = {
    {"bloom", "BloomForCausalLM", bloom},
    {"deepseek_v2", "DeepseekV2ForCausalLM", deepseek},
    {"deepseek_v3", "DeepseekV3ForCausalLM", deepseek},
    {"gpt_oss", "GptOssForCausalLM", gpt_oss},
    {"gpt2", "GPT2LMHeadModel", gpt},
    {"grok-1", "Grok1ModelForCausalLM", grok},
    {"internlm", "InternLMForCausalLM", llama},
    {"kimi_k2", "DeepseekV3ForCausalLM", deepseek},
    {"llama", "LlamaForCausalLM", llama},
    {"llama4_text", "Llama4ForCausalLM", llama4},
    {"mistral", "MistralForCausalLM", mistral},
    {"mixtral", "MixtralForCausalLM", mixtral},
    {"nemotron", "NemotronForCausalLM", nemotron},
    {"qwen2", "Qwen2ForCausalLM", qwen2},
    {"qwen2_moe", "Qwen2MoeForCausalLM", qwen2_moe},
    {"qwen3", "Qwen3ForCausalLM", qwen3},
    {"qwen3_moe", "Qwen3MoeForCausalLM", qwen3_moe},
};

// By model_type; where that is absent, by the architecture.
Result<const Family*> find_family(const nlohmann::json& config) {
  const auto type = config.find("model_type");
  const auto architectures = config.find("architectures");
  const bool by_type = type != config.end();
  if (!by_type && (architectures == config.end() || !architectures->is_array() || architectures->empty())) {
    return invalid("model_type is missing");
  }
  const nlohmann::json& wanted = by_type ? *type : (*architectures)[0];
  std::vector<const char*> names;
  for (const Family& family : kFamilies) {
    const char* name = by_type ? family.model_type : family.architecture;
    if (wanted == name) return &family;
    names.push_back(name);
  }
  return unsupported(fmt::format("{} is {}; allowed are {}", by_type ? "model_type" : "architectures", wanted.dump(),
                                 fmt::join(names, ", ")));
}

Result<nlohmann::json> parse_object(std::string_view json) {
  try {
    auto config = nlohmann::json::parse(json);
    if (config.is_object()) return config;
    return invalid("a config is a JSON object");
  } catch (const nlohmann::json::exception& error) {
    return invalid(error.what());
  }
}

Result<Model> read_model(std::string_view json) {
  PIPELOOM_TRY(const nlohmann::json config, parse_object(json));
  PIPELOOM_TRY(const Family* family, find_family(config));
  ConfigFields fields(config);
  Model model = family->read(fields);
  PIPELOOM_RETURN_IF_ERROR(fields.status());
  if (const auto dense = config.find("mlp_only_layers"); dense != config.end() && !dense->empty()) {
    return unsupported(fmt::format("mlp_only_layers is {}; allowed is an empty list", dense->dump()));
  }
  return make_model(std::move(model));
}

}  // namespace

Result<Model> model_from_huggingface(std::string_view json, const std::string& name) {
  return read_model(json).map_error([&](Error error) { return in_file(name, std::move(error)); });
}

}  // namespace pipeloom::proto
