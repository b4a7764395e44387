#include "proto/megatron/launch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proto/megatron/layout_string.h"

namespace pipeloom::proto {

namespace {

constexpr std::string_view kPlain = "1f1b";
constexpr std::string_view kInterleaved = "interleaved-1f1b";
constexpr std::string_view kOverlapped = "interleaved-1f1b-moe-overlap";

class Arguments {
 public:
  void flag(std::string_view name) { text_ += fmt::format("--{}\n", name); }
  template <typename Value>
  void option(std::string_view name, const Value& value) {
    text_ += fmt::format("--{} {}\n", name, value);
  }
  void quoted(std::string_view name, std::string_view value) { text_ += fmt::format("--{} '{}'\n", name, value); }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

Status check_expressible(const Job& job, std::string_view name, const Placement& placement) {
  if (name != kPlain && name != kInterleaved && name != kOverlapped) {
    const std::string_view nearest = placement.pipes() > 1                        ? kOverlapped
                                     : placement.kind() == PlacementKind::kLinear ? kPlain
                                                                                  : kInterleaved;
    return unsupported(
        fmt::format("Megatron-LM can't run {}; it runs 1f1b, interleaved-1f1b and "
                    "interleaved-1f1b-moe-overlap, of which {} is the nearest",
                    name, nearest));
  }
  if (job.zero_stage > 1) {
    return unsupported(fmt::format("zero_stage is {}; Megatron-LM's distributed optimizer is ZeRO-1", job.zero_stage));
  }
  if (job.clipping == Clipping::kValidated) {
    return unsupported("clipping is validated after the optimizer; Megatron-LM clips before it");
  }
  if (job.offload.activations > 0) {
    return unsupported("offload.activations moves a share of them; Megatron-LM offloads whole layers");
  }
  if (name != kOverlapped) return {};
  // megatron/core/transformer/transformer_config.py, overlap_moe_expert_parallel_comm
  if (job.layout.expert < 2)
    return unsupported("Megatron-LM overlaps experts' all-to-all only with expert parallelism");
  if (job.recompute == Recompute::kFull) {
    return unsupported("Megatron-LM overlaps experts' all-to-all only without full recomputation");
  }
  if (job.model->mtp_depth > 1)
    return unsupported("Megatron-LM overlaps experts' all-to-all with one MTP layer at most");
  return {};
}

void add_attention(const Model& model, Arguments& arguments) {
  const AttentionShape& attention = model.attention;
  arguments.option("num-attention-heads", attention.heads);
  if (attention.is_mla()) {
    arguments.flag("multi-latent-attention");
    if (attention.q_lora_rank > 0) arguments.option("q-lora-rank", attention.q_lora_rank);
    arguments.option("kv-lora-rank", attention.kv_lora_rank);
    arguments.option("qk-head-dim", attention.head_dim);
    arguments.option("qk-pos-emb-head-dim", attention.rope_dim);
    arguments.option("v-head-dim", attention.value_dim);
    return;
  }
  arguments.option("kv-channels", attention.head_dim);
  if (attention.kv_heads == attention.heads) return;
  arguments.flag("group-query-attention");
  arguments.option("num-query-groups", attention.kv_heads);
}

// Softmax is Megatron-LM's own.
void add_gate(const MoeShape& moe, Arguments& arguments) {
  if (moe.gate != GateScore::kSigmoid) return;
  arguments.option("moe-router-score-function", "sigmoid");
  if (moe.gate_scale != 1) arguments.option("moe-router-topk-scaling-factor", moe.gate_scale);
  if (moe.bias_step > 0) {
    arguments.flag("moe-router-enable-expert-bias");
    arguments.option("moe-router-bias-update-rate", moe.bias_step);
  }
  if (moe.balance_loss > 0) {
    arguments.option("moe-router-load-balancing-type", "seq_aux_loss");
    arguments.option("moe-aux-loss-coeff", moe.balance_loss);
  }
}

void add_experts(const Model& model, Arguments& arguments) {
  if (!model.moe) return;
  const MoeShape& moe = *model.moe;
  arguments.option("num-experts", moe.routed_experts);
  arguments.option("moe-router-topk", moe.experts_per_token);
  arguments.option("moe-ffn-hidden-size", moe.intermediate);
  if (moe.shared_experts > 0) {
    arguments.option("moe-shared-expert-intermediate-size", int64_t{moe.shared_experts} * moe.intermediate);
  }
  if (moe.groups > 1) {
    arguments.option("moe-router-num-groups", moe.groups);
    arguments.option("moe-router-group-topk", moe.groups_per_token);
  }
  add_gate(moe, arguments);
  std::string layers;
  for (int layer = 0; layer < model.layers; ++layer) {
    layers += fmt::format("{}{}", layer == 0 ? "[" : ",", model.is_moe_layer(layer) ? 1 : 0);
  }
  arguments.quoted("moe-layer-freq", layers + "]");
}

void add_model(const Job& job, Arguments& arguments) {
  const Model& model = *job.model;
  arguments.option("num-layers", model.layers);
  arguments.option("hidden-size", model.hidden);
  arguments.option("ffn-hidden-size", model.intermediate);
  add_attention(model, arguments);
  add_experts(model, arguments);
  arguments.option("vocab-size", model.vocabulary);
  arguments.option("seq-length", job.batch.sequence_length);
  arguments.option("max-position-embeddings", std::max<int64_t>(model.learned_positions, job.batch.sequence_length));
  arguments.option("position-embedding-type", model.learned_positions > 0 ? "learned_absolute" : "rope");
  if (model.gated_mlp) arguments.flag("swiglu");
  if (!model.mlp_bias) arguments.flag("disable-bias-linear");
  if (!model.mlp_bias && model.attention.bias) arguments.flag("add-qkv-bias");
  if (!model.dropout) {
    arguments.option("attention-dropout", 0);
    arguments.option("hidden-dropout", 0);
  }
  if (!model.tied_embedding) arguments.flag("untie-embeddings-and-output-weights");
  if (model.mtp_depth > 0) {
    arguments.option("mtp-num-layers", model.mtp_depth);
    arguments.option("mtp-loss-scaling-factor", model.mtp_loss_weight);
  }
}

void add_parallelism(const Job& job, Arguments& arguments) {
  const Layout& layout = job.layout;
  arguments.option("tensor-model-parallel-size", layout.tensor);
  if (layout.tensor > 1 && layout.sequence_parallel) arguments.flag("sequence-parallel");
  arguments.option("pipeline-model-parallel-size", layout.pipeline);
  arguments.option("context-parallel-size", layout.context);
  if (job.model->moe) {
    arguments.option("expert-model-parallel-size", layout.expert);
    arguments.option("expert-tensor-parallel-size", 1);  // its default is tensor parallelism's size
  }
  arguments.option("micro-batch-size", job.batch.micro_batch_size);
  arguments.option("global-batch-size", job.batch.global_batch);
  if (job.zero_stage == 1) arguments.flag("use-distributed-optimizer");
  if (job.offload.optimizer) {
    arguments.flag("optimizer-cpu-offload");
    arguments.flag("use-precision-aware-optimizer");  // it asks for this
  }
}

// What Recompute::kSelective stands for. Of activation functions Megatron-LM recomputes those of experts alone.
std::string recomputed_modules(const Job& job) {
  if (job.attention_kernel == AttentionKernel::kUnfused) return "core_attn";
  std::string modules = "layernorm";
  if (job.model->moe) modules += " moe_act";
  if (job.model->attention.is_mla()) modules += " mla_up_proj";
  return modules;
}

void add_precision(const Job& job, Arguments& arguments) {
  arguments.flag(job.precision == Precision::kFp16 ? "fp16" : "bf16");
  if (job.precision == Precision::kFp8) {
    arguments.option("fp8-format", "e4m3");
    arguments.option("fp8-recipe", "blockwise");
  }
  if (job.recompute == Recompute::kSelective) {
    arguments.option("recompute-granularity", "selective");
    arguments.option("recompute-modules", recomputed_modules(job));
  }
  if (job.recompute == Recompute::kFull) {
    arguments.option("recompute-granularity", "full");
    arguments.option("recompute-method", "uniform");
    arguments.option("recompute-num-layers", 1);
  }
  if (job.attention_kernel == AttentionKernel::kUnfused) arguments.option("attention-backend", "unfused");
  arguments.option("clip-grad", job.clipping == Clipping::kNone ? 0.0 : job.clip_norm);
}

}  // namespace

Result<MegatronLaunch> megatron_launch(const Job& job, std::string_view schedule_name, const Placement& placement,
                                       std::span<const int> layers_per_stage) {
  PIPELOOM_RETURN_IF_ERROR(check_expressible(job, schedule_name, placement));
  Arguments arguments;
  add_model(job, arguments);
  add_parallelism(job, arguments);
  if (placement.ranks() > 1) {
    arguments.quoted("pipeline-model-parallel-layout", megatron_layout(layers_per_stage, job.model->mtp_depth));
  }
  if (schedule_name != kPlain && job.p2p.mode == P2pMode::kBlocking) arguments.flag("no-overlap-p2p-communication");
  if (schedule_name != kPlain && job.schedule.group > 0) {
    arguments.option("microbatch-group-size-per-virtual-pipeline-stage", job.schedule.group);
  }
  add_precision(job, arguments);
  MegatronLaunch launch;
  if (schedule_name == kOverlapped) {
    arguments.flag("overlap-moe-expert-parallel-comm");
    arguments.option("moe-token-dispatcher-type", "alltoall");
    const int sms = job.cluster ? job.cluster->comm_sms : 0;
    if (sms > 0) {
      arguments.option("nccl-communicator-config-path", "nccl.yaml");
      launch.nccl_yaml = fmt::format("ep: {{min_ctas: {0}, max_ctas: {0}}}\n", sms);
    }
  }
  launch.arguments = std::move(arguments).text();
  return launch;
}

}  // namespace pipeloom::proto
