#include "proto/megatron/job_arguments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "proto/base/version.h"
#include "proto/megatron/model_arguments.h"
#include "proto/megatron/stage_arguments.h"

namespace pipeloom::proto {

namespace {

Cluster cluster_of(ArgumentOptions& options, const MegatronMachine& machine) {
  Cluster cluster = machine.cluster;
  cluster.nodes = machine.nodes.value_or(options.number_or("nnodes", cluster.nodes));
  cluster.gpus_per_node = machine.gpus_per_node.value_or(options.number_or("nproc-per-node", cluster.gpus_per_node));
  const int dispatcher = options.number_or("moe-deepep-num-sms", cluster.comm_sms);
  cluster.comm_sms = options.number_or("moe-flex-dispatcher-num-sms", dispatcher);
  return cluster;
}

Layout layout_of(ArgumentOptions& options, int gpus) {
  Layout layout;
  layout.tensor = options.number_or("tensor-model-parallel-size", 1);
  layout.pipeline = options.number_or("pipeline-model-parallel-size", 1);
  layout.context = options.number_or("context-parallel-size", 1);
  layout.expert = options.number_or("expert-model-parallel-size", 1);
  const bool sequence_parallel = options.flag("sequence-parallel");
  layout.sequence_parallel = sequence_parallel || layout.tensor == 1;
  if (std::max({layout.tensor, layout.pipeline, layout.context}) > gpus ||
      gpus % (int64_t{layout.tensor} * layout.pipeline * layout.context) != 0) {
    options.fail(
        fmt::format("{} GPUs; they must be a multiple of tensor ({}) * pipeline ({}) * context ({}) parallelism", gpus,
                    layout.tensor, layout.pipeline, layout.context));
    return layout;
  }
  layout.data = static_cast<int>(gpus / (int64_t{layout.tensor} * layout.pipeline * layout.context));
  if (options.flag("num-experts") && options.number_or("expert-tensor-parallel-size", layout.tensor) != 1) {
    options.fail("expert-tensor-parallel-size",
                 "allowed is 1: Pipeloom keeps an expert whole (without the option it is as tensor parallelism)");
  }
  return layout;
}

Batch batch_of(ArgumentOptions& options, int data, std::vector<std::string>* notes) {
  Batch batch;
  batch.sequence_length = options.number("seq-length");
  batch.micro_batch_size = options.number("micro-batch-size");
  const int64_t one_each = batch.micro_batch_size * data;
  batch.global_batch = options.number_or("global-batch-size", static_cast<int>(std::min<int64_t>(one_each, INT32_MAX)));
  if (options.flag("rampup-batch-size")) notes->push_back("the batch is what --rampup-batch-size grows to");
  return batch;
}

Precision precision_of(ArgumentOptions& options, std::vector<std::string>* notes) {
  const bool fp16 = options.flag("fp16");
  const bool bf16 = options.flag("bf16");
  if (!fp16 && !bf16) options.fail("neither --bf16 nor --fp16 is given; Pipeloom plans no products in FP32");
  const std::string recipe = options.text_or("fp8-recipe", "delayed");
  if (!options.flag("fp8-format")) return fp16 ? Precision::kFp16 : Precision::kBf16;
  options.text_or("fp8-format", "");
  if (recipe != "blockwise") {
    notes->push_back(fmt::format("products in FP8 cost what blockwise ones do; --fp8-recipe is {}", recipe));
  }
  return Precision::kFp8;
}

AttentionKernel attention_kernel_of(ArgumentOptions& options) {
  const bool flash = options.flag("use-flash-attn");
  const bool local = options.text_or("transformer-impl", "transformer_engine") == "local" && !flash;
  const std::string backend = options.text_or("attention-backend", "auto");
  const bool unfused = backend == "unfused" || backend == "local" || (backend == "auto" && local);
  return unfused ? AttentionKernel::kUnfused : AttentionKernel::kFused;
}

// --recompute-granularity selective: which modules, and what that is here.
Recompute selective_of(ArgumentOptions& options, AttentionKernel kernel, std::vector<std::string>* notes) {
  std::vector<std::string> modules = options.texts("recompute-modules");
  if (modules.empty()) modules = {"core_attn"};
  constexpr std::string_view kKnown[] = {"core_attn", "layernorm", "moe_act", "mla_up_proj"};
  for (const std::string& module : modules) {
    if (std::ranges::find(kKnown, module) != std::end(kKnown)) continue;
    options.fail("recompute-modules", fmt::format("allowed are {}", fmt::join(kKnown, ", ")));
  }
  const bool attention_only = modules == std::vector<std::string>{"core_attn"};
  if (kernel == AttentionKernel::kUnfused) {
    if (!attention_only) notes->push_back("of what is recomputed, attention's scores alone are planned");
    return Recompute::kSelective;
  }
  if (!attention_only) return Recompute::kSelective;
  notes->push_back("recomputing core_attn saves nothing: the fused attention keeps no scores");
  return Recompute::kNone;
}

Recompute recompute_of(ArgumentOptions& options, AttentionKernel kernel, std::vector<std::string>* notes) {
  const bool activations = options.flag("recompute-activations");
  const std::string granularity = options.text_or("recompute-granularity", activations ? "selective" : "");
  if (granularity.empty()) return Recompute::kNone;
  if (granularity == "selective") return selective_of(options, kernel, notes);
  if (granularity != "full") {
    options.fail("recompute-granularity", "allowed are full and selective");
    return Recompute::kNone;
  }
  const std::string method = options.text_or("recompute-method", "");
  if (options.number_or("recompute-num-layers", 1) != 1 || method != "uniform") {
    options.fail("recompute-method", "allowed is uniform, with --recompute-num-layers 1: every layer from its input");
  }
  return Recompute::kFull;
}

int zero_stage_of(ArgumentOptions& options) {
  const bool distributed = options.flag("use-distributed-optimizer");
  const bool torch = options.flag("use-torch-fsdp2");
  const bool megatron = options.flag("use-megatron-fsdp") || options.flag("use-custom-fsdp");
  const std::string strategy = options.text_or("data-parallel-sharding-strategy", "no_shard");
  if (torch) return 3;
  if (!megatron) return distributed ? 1 : 0;
  constexpr std::string_view kStrategies[] = {"no_shard", "optim", "optim_grads", "optim_grads_params"};
  const auto* found = std::ranges::find(kStrategies, strategy);
  if (found == std::end(kStrategies)) {
    options.fail("data-parallel-sharding-strategy", fmt::format("allowed are {}", fmt::join(kStrategies, ", ")));
  }
  return static_cast<int>(found - std::begin(kStrategies));
}

Offload offload_of(ArgumentOptions& options) {
  Offload offload;
  offload.optimizer = options.flag("optimizer-cpu-offload");
  options.flag("use-precision-aware-optimizer");  // which that asks for
  if (options.decimal_or("optimizer-offload-fraction", 1) != 1 && offload.optimizer) {
    options.fail("optimizer-offload-fraction", "allowed is 1: all of the optimizer, or nothing");
  }
  return offload;
}

Result<MegatronJob> read_job(ArgumentOptions& options, const MegatronMachine& machine) {
  MegatronJob result;
  Job& job = result.job;
  PIPELOOM_TRY(job.cluster, make_cluster(cluster_of(options, machine)));
  job.layout = layout_of(options, job.cluster->gpus());
  Model model = model_from_arguments(options, job.layout.tensor);
  PIPELOOM_RETURN_IF_ERROR(options.status());
  PIPELOOM_TRY(job.model, make_model(std::move(model)));
  PIPELOOM_TRY(MegatronPipeline pipeline, pipeline_from_arguments(options, *job.model, job.layout.pipeline));
  job.layout.layers_per_stage = std::move(pipeline.layers_per_stage);
  job.schedule = pipeline.schedule;
  job.p2p.mode = pipeline.p2p;
  result.notes = std::move(pipeline.notes);
  job.batch = batch_of(options, job.layout.data, &result.notes);
  job.precision = precision_of(options, &result.notes);
  job.attention_kernel = attention_kernel_of(options);
  job.recompute = recompute_of(options, job.attention_kernel, &result.notes);
  job.zero_stage = zero_stage_of(options);
  job.offload = offload_of(options);
  const double clip_norm = options.decimal_or("clip-grad", 1);
  job.clipping = clip_norm > 0 ? Clipping::kGlobal : Clipping::kNone;
  if (clip_norm > 0) job.clip_norm = clip_norm;
  PIPELOOM_RETURN_IF_ERROR(options.status());
  PIPELOOM_TRY(job, make_job(std::move(job)));
  result.unused = options.unused();
  return result;
}

}  // namespace

Result<MegatronJob> job_from_megatron(const std::string& name, std::string_view text, const MegatronMachine& machine,
                                      const std::vector<std::string>& appended) {
  PIPELOOM_TRY(ShellWords script, shell_words(name, text));
  for (const std::string& word : appended) script.words.push_back({word, 0});
  ArgumentOptions options(script.words);
  PIPELOOM_TRY(MegatronJob result,
               read_job(options, machine).map_error([&](Error error) { return in_file(name, std::move(error)); }));
  if (!script.branches.empty()) {
    result.notes.push_back(fmt::format("nothing is run: what depends on conditions and loops is left out (line {})",
                                       fmt::join(script.branches, ", ")));
  }
  return result;
}

}  // namespace pipeloom::proto
