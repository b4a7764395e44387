#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/result.h"

namespace pipeloom {

// Multi-head (kv_heads == heads) and grouped-query attention, or DeepSeek's multi-head latent attention (MLA,
// arXiv 2405.04434, section 2.1) where kv_lora_rank > 0.
struct AttentionShape {
  int heads = 1;
  int kv_heads = 1;
  int head_dim = 0;      // of queries and keys; of MLA without the rotary part; 0: hidden / heads
  int value_dim = 0;     // of values; 0: head_dim
  int q_lora_rank = 0;   // MLA: rank of the query compression; 0: none
  int kv_lora_rank = 0;  // MLA: rank of the key/value compression; 0: not MLA
  int rope_dim = 0;      // MLA: rotary part of queries and keys, beside head_dim
  bool bias = false;
  int window = 0;  // keys that a token of every second layer sees, from the first layer on; 0: every layer sees all

  bool is_mla() const { return kv_lora_rank > 0; }
  bool operator==(const AttentionShape&) const = default;
};

// How a gate scores experts. Stored in plans: values never change.
enum class GateScore : uint8_t {
  kSoftmax = 0,  // weights are the softmax over the chosen logits (Mixtral, arXiv 2401.04088, section 2.1)
  kSigmoid = 1,  // weights are the chosen sigmoids over their sum (DeepSeek-V3, arXiv 2412.19437, equations 13 to 16)
};

struct MoeShape {
  int routed_experts = 0;
  int shared_experts = 0;
  int experts_per_token = 0;   // top-k of the routed ones
  int intermediate = 0;        // of one routed expert, and of each shared one
  int groups = 1;              // node-limited routing: experts are in `groups` groups ...
  int groups_per_token = 1;    // ... of which a token may reach this many
  int first_dense_layers = 0;  // layers before the first MoE layer
  int layer_step = 1;          // every layer_step-th layer after those is MoE
  GateScore gate = GateScore::kSoftmax;
  double gate_scale = 1;    // of the weights of the chosen experts
  double bias_step = 0;     // with sigmoids: how much an expert's bias moves in a step, against its load; 0: no biases
  double balance_loss = 0;  // with sigmoids: the factor of the sequence-wise balance loss

  bool operator==(const MoeShape&) const = default;
};

// A decoder-only transformer. Create through make_model, which checks every field.
struct Model {
  std::string family;  // "llama", "gpt", "mixtral", "deepseek", ...
  int layers = 1;
  int hidden = 1;
  int intermediate = 0;   // of a dense MLP
  bool gated_mlp = true;  // SwiGLU: gate, up and down; otherwise two products (GELU)
  // Whether the activation function clamps its inputs and adds biases (gpt-oss), which kernels of SwiGLU can't do.
  bool clamped_activation = false;
  int vocabulary = 1;
  int learned_positions = 0;    // rows of a learned position embedding; 0: rotary
  bool tied_embedding = false;  // embedding and head share their weights
  bool mlp_bias = false;
  bool dropout = false;  // after attention's softmax and after both blocks; its masks are kept for the backward pass
  AttentionShape attention;
  std::optional<MoeShape> moe;
  int mtp_depth = 0;             // DeepSeek-V3's multi-token prediction modules
  double mtp_loss_weight = 0.3;  // of the mean of their losses (DeepSeek-V3, arXiv 2412.19437, section 4.2)

  bool is_moe_layer(int layer) const {
    return moe && layer >= moe->first_dense_layers && (layer - moe->first_dense_layers) % moe->layer_step == 0;
  }
  bool is_windowed_layer(int layer) const { return attention.window > 0 && layer % 2 == 0; }
  bool operator==(const Model&) const = default;
};

// The same model with its head sizes filled in if every field is sane, or an error that names field, value and what is
// allowed.
Result<Model> make_model(Model model);

}  // namespace pipeloom
