#include "proto/huggingface/huggingface.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "proto/base/files.h"

namespace pipeloom::proto {
namespace {

std::string sample(const std::string& name) {
  return read_file(std::string(PIPELOOM_SOURCE) + "/samples/models/" + name).value();
}

Model sample_model(const std::string& name) {
  const auto model = model_from_huggingface(sample(name), name);
  EXPECT_TRUE(model.has_value()) << model.error().message;
  return model.value();
}

std::string error_with(const std::string& sample_name, const std::string& field, const nlohmann::json& value) {
  auto config = nlohmann::json::parse(sample(sample_name));
  config[field] = value;
  const auto model = model_from_huggingface(config.dump(), "config.json");
  return model ? "no error" : model.error().message;
}

std::string error_without(const std::string& sample_name, const std::string& field) {
  auto config = nlohmann::json::parse(sample(sample_name));
  config.erase(field);
  const auto model = model_from_huggingface(config.dump(), "config.json");
  return model ? "no error" : model.error().message;
}

Model sized(const char* family, int layers, int hidden, int intermediate, int vocabulary) {
  Model model;
  model.family = family;
  model.layers = layers;
  model.hidden = hidden;
  model.intermediate = intermediate;
  model.vocabulary = vocabulary;
  return model;
}

std::string error_of(const std::string& json) {
  const auto model = model_from_huggingface(json, "config.json");
  return model ? "no error" : model.error().message;
}

TEST(HuggingFace, ReadsDeepSeekV3) {
  Model expected = sized("deepseek", 61, 7168, 18432, 129280);
  expected.attention = {.heads = 128,
                        .kv_heads = 128,
                        .head_dim = 128,
                        .value_dim = 128,
                        .q_lora_rank = 1536,
                        .kv_lora_rank = 512,
                        .rope_dim = 64};
  expected.moe = {.routed_experts = 256,
                  .shared_experts = 1,
                  .experts_per_token = 8,
                  .intermediate = 2048,
                  .groups = 8,
                  .groups_per_token = 4,
                  .first_dense_layers = 3,
                  .gate = GateScore::kSigmoid,
                  .gate_scale = 2.5,
                  .bias_step = 1e-3,
                  .balance_loss = 1e-4};
  expected.mtp_depth = 1;
  EXPECT_EQ(sample_model("deepseek-v3.json"), expected);
}

TEST(HuggingFace, ReadsLlama) {
  Model expected = sized("llama", 126, 16384, 53248, 128256);
  expected.attention = {.heads = 128, .kv_heads = 8, .head_dim = 128, .value_dim = 128};
  EXPECT_EQ(sample_model("llama-3.1-405b.json"), expected);
}

TEST(HuggingFace, ReadsGpt3InGpt2Words) {
  Model expected = sized("gpt", 96, 12288, 49152, 50257);
  expected.gated_mlp = false;
  expected.learned_positions = 2048;
  expected.tied_embedding = true;
  expected.mlp_bias = true;
  expected.dropout = true;  // of the class, where the config does not say otherwise
  expected.attention = {.heads = 96, .kv_heads = 96, .head_dim = 128, .value_dim = 128, .bias = true};
  EXPECT_EQ(sample_model("gpt3-175b.json"), expected);
}

TEST(HuggingFace, ReadsMixtral) {
  const Model model = sample_model("mixtral-8x7b.json");
  EXPECT_EQ(model.family, "mixtral");
  EXPECT_EQ(model.attention.kv_heads, 8);
  const MoeShape expected{.routed_experts = 8, .shared_experts = 0, .experts_per_token = 2, .intermediate = 14336};
  EXPECT_EQ(model.moe, expected);
  EXPECT_TRUE(model.is_moe_layer(0));
}

TEST(HuggingFace, ReadsTinyMoe) {
  const Model model = sample_model("tiny-moe.json");
  EXPECT_EQ(model.hidden, 64);
  EXPECT_FALSE(model.is_moe_layer(0));
  EXPECT_TRUE(model.is_moe_layer(1));
}

TEST(HuggingFace, ReadsQwen3MoeWithItsOwnHeadDim) {
  const auto model = model_from_huggingface(R"({"model_type": "qwen3_moe", "num_hidden_layers": 48,
      "hidden_size": 2048, "intermediate_size": 6144, "vocab_size": 151936, "num_attention_heads": 32,
      "num_key_value_heads": 4, "head_dim": 128, "num_experts": 128, "num_experts_per_tok": 8,
      "moe_intermediate_size": 768, "decoder_sparse_step": 1, "mlp_only_layers": []})",
                                            "config.json");
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->attention.head_dim, 128);
  EXPECT_EQ(model->moe->routed_experts, 128);
  EXPECT_EQ(model->moe->first_dense_layers, 0);
}

TEST(HuggingFace, Qwen2MoeCountsItsSharedExpertInRoutedOnes) {
  const auto model = model_from_huggingface(R"({"model_type": "qwen2_moe", "num_hidden_layers": 24,
      "hidden_size": 2048, "intermediate_size": 5632, "vocab_size": 151936, "num_attention_heads": 16,
      "num_experts": 60, "num_experts_per_tok": 4, "moe_intermediate_size": 1408,
      "shared_expert_intermediate_size": 5632, "decoder_sparse_step": 2})",
                                            "config.json");
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_TRUE(model->attention.bias);
  EXPECT_EQ(model->moe->shared_experts, 4);
  EXPECT_FALSE(model->is_moe_layer(0));  // layer i where (i + 1) % 2 == 0
  EXPECT_TRUE(model->is_moe_layer(1));
  EXPECT_FALSE(model->is_moe_layer(2));
}

TEST(HuggingFace, DeepSeekExpertsSitAtMultiplesOfTheFrequency) {
  auto config = nlohmann::json::parse(sample("deepseek-v3.json"));
  config["moe_layer_freq"] = 2;
  const Model model = model_from_huggingface(config.dump(), "config.json").value();
  EXPECT_FALSE(model.is_moe_layer(3));
  EXPECT_TRUE(model.is_moe_layer(4));
  EXPECT_FALSE(model.is_moe_layer(5));
}

TEST(HuggingFace, GoesByTheArchitectureWithoutAModelType) {
  auto config = nlohmann::json::parse(sample("llama-3.1-405b.json"));
  config.erase("model_type");
  EXPECT_EQ(model_from_huggingface(config.dump(), "config.json").value(), sample_model("llama-3.1-405b.json"));
}

TEST(HuggingFace, UnknownFamilyListsTheKnownOnes) {
  EXPECT_EQ(error_with("deepseek-v3.json", "model_type", "mamba"),
            "config.json: model_type is \"mamba\"; allowed are bloom, deepseek_v2, deepseek_v3, gpt_oss, gpt2, grok-1, "
            "internlm, kimi_k2, llama, llama4_text, mistral, mixtral, nemotron, qwen2, qwen2_moe, qwen3, qwen3_moe");
}

TEST(HuggingFace, NamesAMissingField) {
  EXPECT_EQ(error_without("llama-3.1-405b.json", "num_hidden_layers"), "config.json: num_hidden_layers is missing");
  EXPECT_EQ(error_with("deepseek-v3.json", "scoring_func", "tanh"),
            "config.json: scoring_func is \"tanh\"; allowed are softmax, sigmoid");
  EXPECT_EQ(error_with("deepseek-v3.json", "routed_scaling_factor", 0),
            "config.json: routed_scaling_factor is 0; allowed are numbers above 0 and up to 1e6");
  EXPECT_EQ(error_without("deepseek-v3.json", "kv_lora_rank"), "config.json: kv_lora_rank is missing");
  EXPECT_EQ(error_without("gpt3-175b.json", "n_head"), "config.json: n_head is missing");
  EXPECT_EQ(error_of("{}"), "config.json: model_type is missing");
}

TEST(HuggingFace, NamesAMistypedField) {
  const std::string allowed = "; allowed are whole numbers from 1 to 100000000";
  EXPECT_EQ(error_with("llama-3.1-405b.json", "hidden_size", "big"), "config.json: hidden_size is \"big\"" + allowed);
  EXPECT_EQ(error_with("llama-3.1-405b.json", "hidden_size", 12.5), "config.json: hidden_size is 12.5" + allowed);
  EXPECT_EQ(error_with("llama-3.1-405b.json", "hidden_size", -1), "config.json: hidden_size is -1" + allowed);
  EXPECT_EQ(error_with("llama-3.1-405b.json", "hidden_size", 1ULL << 63),
            "config.json: hidden_size is 9223372036854775808" + allowed);
  EXPECT_EQ(error_with("llama-3.1-405b.json", "tie_word_embeddings", 3),
            "config.json: tie_word_embeddings is 3; allowed are true and false");
}

TEST(HuggingFace, RefusesWhatDoesNotFitTogether) {
  EXPECT_EQ(error_with("llama-3.1-405b.json", "num_attention_heads", 127),
            "config.json: hidden_size is 16384; it must be a multiple of num_attention_heads (127)");
  EXPECT_EQ(error_with("deepseek-v3.json", "mlp_only_layers", {1}),
            "config.json: mlp_only_layers is [1]; allowed is an empty list");
}

TEST(HuggingFace, RefusesWhatIsNotJson) {
  EXPECT_TRUE(error_of("{\"hidden_size\": NaN}").find("parse error at line 1, column 17") != std::string::npos)
      << error_of("{\"hidden_size\": NaN}");
  EXPECT_TRUE(error_of("").find("parse error at line 1, column 1") != std::string::npos) << error_of("");
  EXPECT_EQ(error_of("[]"), "config.json: a config is a JSON object");
}

}  // namespace
}  // namespace pipeloom::proto
