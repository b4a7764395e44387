#include "proto/megatron/model_arguments.h"

#include <algorithm>

#include "proto/megatron/layer_pattern.h"

namespace pipeloom::proto {

namespace {

int vocabulary_of(ArgumentOptions& options, int tensor) {
  const int multiple = options.number_or("make-vocab-size-divisible-by", 128);
  const int padded = options.number_or("padded-vocab-size", 0);
  if (padded > 0) return padded;
  if (!options.flag("vocab-size")) {
    options.fail(
        "--vocab-size is missing: Megatron-LM takes it from the tokenizer, which is not read; append it, as in "
        "`pipeloom import FILE ... -- --vocab-size 128256`");
  }
  const int64_t unit = int64_t{multiple} * tensor;
  const int64_t words = options.number_or("vocab-size", 1);
  return static_cast<int>(std::min<int64_t>((words + unit - 1) / unit * unit, INT32_MAX));
}

constexpr double kMtpLossScale = 0.1;  // where the option is not given

// Without a size the MLP has four times the hidden size; a gated one two thirds of that, in units of 64.
int default_intermediate(int hidden, bool gated) {
  const int64_t size = gated ? int64_t{hidden} * 8 / 3 / 64 * 64 : int64_t{hidden} * 4;
  return static_cast<int>(std::min<int64_t>(size, INT32_MAX));
}

AttentionShape attention_of(ArgumentOptions& options, int hidden, bool biased) {
  AttentionShape attention;
  attention.heads = options.number("num-attention-heads");
  attention.kv_heads = attention.heads;
  attention.bias = biased;
  if (options.flag("multi-latent-attention")) {
    attention.q_lora_rank = options.number_or("q-lora-rank", 0);
    attention.kv_lora_rank = options.number_or("kv-lora-rank", 32);
    attention.head_dim = options.number_or("qk-head-dim", 128);
    attention.rope_dim = options.number_or("qk-pos-emb-head-dim", 64);
    attention.value_dim = options.number_or("v-head-dim", 128);
    options.flag("kv-channels");  // of other kinds of attention
    return attention;
  }
  attention.head_dim = options.number_or("kv-channels", hidden / attention.heads);
  attention.value_dim = attention.head_dim;
  if (options.flag("group-query-attention")) attention.kv_heads = options.number_or("num-query-groups", 1);
  return attention;
}

// Of what balances the experts, a bias and the loss of each sequence.
void read_gate(ArgumentOptions& options, MoeShape* moe) {
  const std::string score = options.text_or("moe-router-score-function", "softmax");
  const double scale = options.decimal_or("moe-router-topk-scaling-factor", 1);
  const bool biased = options.flag("moe-router-enable-expert-bias");
  const double rate = options.decimal_or("moe-router-bias-update-rate", 1e-3);
  const bool per_sequence = options.text_or("moe-router-load-balancing-type", "aux_loss") == "seq_aux_loss";
  const double balance_loss = options.decimal_or("moe-aux-loss-coeff", 0);
  if (score != "softmax" && score != "sigmoid")
    options.fail("moe-router-score-function", "allowed are softmax and sigmoid");
  if (score != "sigmoid") return;
  moe->gate = GateScore::kSigmoid;
  moe->gate_scale = scale;
  if (biased) moe->bias_step = rate;
  if (per_sequence) moe->balance_loss = balance_loss;
}

MoeShape experts_of(ArgumentOptions& options, const Model& model) {
  MoeShape moe;
  moe.routed_experts = options.number("num-experts");
  moe.experts_per_token = options.number_or("moe-router-topk", 2);
  moe.intermediate = options.number_or("moe-ffn-hidden-size", model.intermediate);
  const int shared = options.number_or("moe-shared-expert-intermediate-size", 0, 0);
  moe.shared_experts = shared / std::max(moe.intermediate, 1);
  if (shared % std::max(moe.intermediate, 1) != 0) {
    options.fail("moe-shared-expert-intermediate-size", "it must be a multiple of --moe-ffn-hidden-size");
  }
  moe.groups = options.number_or("moe-router-num-groups", 1);
  moe.groups_per_token = options.number_or("moe-router-group-topk", 1);
  read_gate(options, &moe);
  const Status layers = set_moe_layers(options.text_or("moe-layer-freq", "1"), model.layers, &moe);
  if (!layers) options.fail("moe-layer-freq", layers.error().message);
  return moe;
}

}  // namespace

Model model_from_arguments(ArgumentOptions& options, int tensor) {
  Model model;
  model.layers = options.number("num-layers");
  model.hidden = options.number("hidden-size");
  model.gated_mlp = options.flag("swiglu");
  model.intermediate = options.number_or("ffn-hidden-size", default_intermediate(model.hidden, model.gated_mlp));
  model.mlp_bias = !options.flag("disable-bias-linear");
  const bool biased_qkv = options.flag("add-qkv-bias");
  model.attention = attention_of(options, model.hidden, model.mlp_bias || biased_qkv);
  model.vocabulary = vocabulary_of(options, tensor);
  model.tied_embedding = !options.flag("untie-embeddings-and-output-weights");
  const double attention_dropout = options.decimal_or("attention-dropout", 0.1);
  const double hidden_dropout = options.decimal_or("hidden-dropout", 0.1);
  model.dropout = attention_dropout > 0 || hidden_dropout > 0;
  const int positions = options.number_or("max-position-embeddings", options.number_or("seq-length", 1));
  const bool rotary = options.flag("use-rotary-position-embeddings");
  if (options.text_or("position-embedding-type", rotary ? "rope" : "learned_absolute") == "learned_absolute") {
    model.learned_positions = positions;
  }
  model.mtp_depth = options.number_or("mtp-num-layers", 0, 0);
  if (model.mtp_depth > 0) model.mtp_loss_weight = options.decimal_or("mtp-loss-scaling-factor", kMtpLossScale);
  if (options.flag("num-experts")) model.moe = experts_of(options, model);
  model.family = model.attention.is_mla() ? "deepseek" : model.moe ? "mixtral" : model.gated_mlp ? "llama" : "gpt";
  return model;
}

}  // namespace pipeloom::proto
