#include "planner/app/published_software.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "proto/job/training_rates_files.h"

namespace pipeloom::planner {

namespace {

struct RecipeWord {
  std::string_view published;
  ProductRecipe recipe;
};
constexpr RecipeWord kRecipes[] = {
    {"bf16", ProductRecipe::kWide},           {"fp16", ProductRecipe::kWide},
    {"fp8-delayed", ProductRecipe::kDelayed}, {"fp8-tensorwise", ProductRecipe::kTensorwise},
    {"fp8-rowwise", ProductRecipe::kRowwise}, {"fp8-blockwise", ProductRecipe::kBlockwise},
    {"mxfp8", ProductRecipe::kMxfp8},         {"nvfp4", ProductRecipe::kNvfp4}};

void add_recipe(PublishedSettings& settings, Job& job) {
  const std::string_view published = settings.text("precision");
  const auto word = std::ranges::find(kRecipes, published, &RecipeWord::published);
  if (word == std::end(kRecipes)) {
    settings.fail("precision",
                  published.empty() ? "was not published" : fmt::format("is {}, which is unknown", published));
    return;
  }
  job.software->recipe = word->recipe;
  if (published == "fp16") job.precision = Precision::kFp16;
  job.software->eight_bit_attention = settings.flag_or("fp8_attention", false);
  job.software->eight_bit_head = settings.remarks("FP8 output projection");
}

// Each part of "a+b+c" in turn.
template <typename Take>
void for_each_part(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('+'), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void add_graphs(PublishedSettings& settings, Software& software) {
  const std::string_view published = settings.text("cuda_graph");
  if (published.empty() || published == "none") return;
  CapturedParts& graphs = software.graphs;
  for_each_part(published, [&](std::string_view part) {
    if (part == "full-iteration") {
      graphs.step = true;
    } else if (part == "attn") {
      graphs.attention = true;
    } else if (part == "moe-router" || part == "moe-preprocess") {
      graphs.router = true;
    } else if (part == "mlp") {
      graphs.mlp = true;
    } else if (part == "layer") {
      graphs.attention = graphs.router = graphs.mlp = true;
    } else {
      settings.fail("cuda_graph", fmt::format("is {}; {} is no part of a known layer", published, part));
    }
  });
}

void add_modules(PublishedSettings& settings, std::string_view published, RecomputedParts& parts) {
  for_each_part(published, [&](std::string_view part) {
    const auto known = std::ranges::find(recomputed_part_names(), part, &RecomputedPartName::name);
    if (known != recomputed_part_names().end()) {
      parts.*known->part = true;
    } else {
      settings.fail("recompute", fmt::format("has the module {}, which is unknown", part));
    }
  });
}

void add_recomputation(PublishedSettings& settings, Job& job) {
  constexpr std::string_view kSelective = "selective:";
  const std::string_view published = settings.text("recompute");
  if (published.empty() || published == "none") return;
  if (published == "full:1") {
    job.recompute = Recompute::kFull;
  } else if (published.starts_with(kSelective)) {
    add_modules(settings, published.substr(kSelective.size()), job.software->recompute);
  } else {
    settings.fail("recompute", fmt::format("is {}, which is unknown", published));
  }
}

void add_dispatcher(PublishedSettings& settings, Job& job) {
  Software& software = *job.software;
  const std::string_view published = settings.text("dispatcher");
  if (published == "hybridep") {
    software.dispatcher = Dispatcher::kHybridEp;
  } else if (published == "deepep") {
    software.dispatcher = Dispatcher::kDeepEp;
  } else if (published == "allgather") {
    settings.fail("dispatcher", "is allgather, which has no costs");
  } else if (published.empty() && job.model->moe && job.layout.expert > 1 &&
             settings.text("confidence") != "default-assumed") {  // the default of Megatron Core is all-to-all
    settings.fail("dispatcher", "was not published");
  }
  // Loads of real routers were not published: a GPU's experts are taken to be a seventh fuller than the average.
  constexpr double kRealImbalance = 0.15;
  if (settings.text("routing") == "real" && job.model->moe) software.expert_imbalance = kRealImbalance;
  const int sms = settings.count_or("dispatcher_sms", 0);
  if (sms > 0) job.cluster->comm_sms = sms;
  software.overlap_experts = settings.flag_or("ep_overlap", false);
  software.fused_experts = settings.remarks("fused grouped MLP");
}

void add_optimizer(PublishedSettings& settings, Software& software) {
  const std::string_view states = settings.text("optimizer_precision");
  const auto has = [&](std::string_view words) { return states.find(words) != std::string_view::npos; };
  if (has("grads=bf16")) software.gradients = Format::kBf16;
  if (has("grads=fp16")) software.gradients = Format::kFp16;
  software.low_precision_states = has("m=bf16");
  if (settings.remarks("FP8 param gather") || settings.remarks("FP8 params") || settings.remarks("FP4 param gather")) {
    software.gathered = Format::kFp8;
  }
}

LossKernel published_loss(PublishedSettings& settings, const Software& software) {
  if (software.engine == StateEngine::kMegatron) return LossKernel::kFused;
  // torchtitan compiles the loss beside the layers since 2025.
  const bool compiled = software.engine == StateEngine::kFsdp && software.compiled && settings.text("date") >= "2025";
  return compiled ? LossKernel::kCompiled : LossKernel::kEager;
}

// What decides memory and stands in no column of its own.
void add_tensors(PublishedSettings& settings, Job& job) {
  Software& software = *job.software;
  if (software.name == "torchtitan") software.engine = StateEngine::kFsdp;
  if (software.name == "megatron-deepspeed") software.engine = StateEngine::kDeepSpeed;
  software.loss = published_loss(settings, software);
  // TransformerEngine 2.3 came out in May 2025; NeMo's and MLPerf's containers here are older.
  software.dummy_gradients = software.name == "megatron-lm" || software.name == "megatron-bridge";
  // Qwen3 replaced the biases of queries, keys and values by norms (arXiv 2505.09388, section 2).
  software.query_key_norms = job.model->family == "qwen" && !job.model->attention.bias;
  software.context_all_to_all = settings.remarks("CP by all-to-all");
}

}  // namespace

Status add_published_software(PublishedSettings& settings, Job& job) {
  Software& software = job.software.emplace();
  software.name = std::string(settings.text("software"));
  software.sdpa = software.name == "torchtitan";
  PIPELOOM_TRY(software.rates, proto::find_training_rates(job.cluster->gpu.name));
  add_recipe(settings, job);
  add_graphs(settings, software);
  add_recomputation(settings, job);
  add_dispatcher(settings, job);
  add_optimizer(settings, software);
  // PyTorch's FSDP2 overlaps both.
  const bool sharded = settings.flag_or("fsdp", false);
  if (sharded) job.zero_stage = 3;
  software.overlap_gradients = settings.flag_or("overlap_grad_reduce", sharded);
  software.overlap_weights = settings.flag_or("overlap_param_gather", sharded);
  software.overlap_tensor = settings.flag_or("tp_overlap", false);
  software.compiled = settings.flag_or("compile", true);
  add_tensors(settings, job);
  // 1F1B sends and receives in order, in Megatron-LM (schedules.py, forward_backward_pipelining_without_interleaving)
  // and in DeepSpeed's pipeline engine; the interleaved form overlaps both with compute.
  if (job.schedule.name == "1f1b") job.p2p.mode = P2pMode::kBlocking;
  if (software.name == "megatron-deepspeed") job.attention_kernel = AttentionKernel::kUnfused;
  return settings.status();
}

}  // namespace pipeloom::planner
