#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/job/formats.h"
#include "core/job/training_rates.h"

namespace pipeloom {

// How products get operands of 8 or 4 bits: which scales, and so which casts. Stored in plans: values never change.
enum class ProductRecipe : uint8_t {
  kWide = 0,        // none: BF16 or FP16, as the job's precision says
  kDelayed = 1,     // FP8, one scale per tensor from earlier steps
  kTensorwise = 2,  // FP8, one scale per tensor from the tensor itself
  kRowwise = 3,     // FP8, one scale per row
  kBlockwise = 4,   // FP8, one scale per 1x128 and 128x128 (DeepSeek-V3)
  kMxfp8 = 5,       // FP8, one scale per 32 numbers
  kNvfp4 = 6,       // FP4, one scale per 16 numbers
};
const char* recipe_name(ProductRecipe recipe);

// Who moves tokens to their experts. Stored in plans: values never change. AllGather has no costs: jobs with it are
// refused.
enum class Dispatcher : uint8_t { kAllToAll = 0, kAllGather = 1, kDeepEp = 2, kHybridEp = 3 };
const char* dispatcher_name(Dispatcher dispatcher);

// Which engine keeps weights, gradients and moments. Stored in plans: values never change.
enum class StateEngine : uint8_t {
  kMegatron = 0,   // Megatron-Core: whole weights and a whole gradient buffer; the distributed optimizer's states
  kFsdp = 1,       // PyTorch's FSDP2: FP32 shards of everything; a layer is gathered in BF16 while it computes
  kDeepSpeed = 2,  // DeepSpeed's pipeline engine and its ZeRO-1 optimizers
};
const char* engine_name(StateEngine engine);

// How logits become a loss: what is alive of each. Stored in plans: values never change.
enum class LossKernel : uint8_t {
  kFused = 0,     // TransformerEngine's cross entropy: the gradient overwrites the logits, 2 bytes in all
  kCompiled = 1,  // torch.compile: 2 bytes for a logit and 2 for its gradient
  kEager = 2,     // log-softmax and two gradients, in FP32 each
};
const char* loss_name(LossKernel loss);

// What CUDA graphs replay, so that the host launches it at no cost.
struct CapturedParts {
  bool step = false;  // everything
  bool attention = false;
  bool router = false;
  bool mlp = false;

  bool operator==(const CapturedParts&) const = default;
};

// Parts of a layer that the backward pass computes again, by Megatron-LM's names.
struct RecomputedParts {
  bool core_attention = false;
  bool norms = false;           // layernorm
  bool activations = false;     // moe_act: of experts
  bool mlp = false;             // of dense layers
  bool up_projections = false;  // mla_up_proj
  bool experts = false;         // moe: router, dispatch, experts and combine
  bool operators = false;       // torchtitan's "op": every second product, and all that is no product

  bool operator==(const RecomputedParts&) const = default;
};

// Their names in launches and recipes: Megatron-LM's "core_attn", "layernorm", ..., and torchtitan's "op".
struct RecomputedPartName {
  std::string_view name;
  bool RecomputedParts::*part;
};
std::span<const RecomputedPartName> recomputed_part_names();

// What a training framework does, and what its kernels reach on the job's GPUs. A job without it is costed by the GPU's
// kernel rates alone.
struct Software {
  std::string name;  // "megatron-bridge", "torchtitan", ...
  ProductRecipe recipe = ProductRecipe::kWide;
  bool eight_bit_attention = false;
  bool eight_bit_head = false;  // the head's product takes part in the recipe
  CapturedParts graphs;
  RecomputedParts recompute;
  Dispatcher dispatcher = Dispatcher::kAllToAll;
  bool overlap_experts = false;       // all-to-all beside the other pass (combined 1F1B)
  bool overlap_gradients = false;     // reduced beside the last backward pass
  bool overlap_weights = false;       // gathered beside the first forward pass
  bool overlap_tensor = false;        // tensor parallelism's collectives beside products
  bool fused_experts = false;         // one kernel for an expert's products and its activation function
  double expert_imbalance = 0;        // work of the GPU whose experts are fullest, above the average, as a share
  bool compiled = true;               // pointwise kernels are fused
  bool sdpa = false;                  // attention by PyTorch's SDPA
  bool low_precision_states = false;  // gradients, and Adam's moments, in BF16 in the optimizer
  Format gradients = Format::kFp32;   // FP32, BF16 or FP16
  Format gathered = Format::kBf16;    // weights as they are gathered: BF16 or FP8
  StateEngine engine = StateEngine::kMegatron;
  LossKernel loss = LossKernel::kFused;
  // Weight gradients are summed inside the products (gradient-accumulation fusion), and autograd gets a BF16 tensor in
  // their place, one for each shape of a weight, that is never freed (TransformerEngine since 2.3).
  bool dummy_gradients = false;
  bool query_key_norms = false;     // queries and keys are normalized head by head: what the norms read is kept too
  bool context_all_to_all = false;  // context parallelism exchanges heads: the core's output is kept on both sides
  TrainingRates rates;

  bool operator==(const Software&) const = default;
};

Status check_software(const Software& software);

}  // namespace pipeloom
