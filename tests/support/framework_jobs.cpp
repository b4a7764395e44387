#include "tests/support/framework_jobs.h"

#include "proto/job/gpu_files.h"
#include "proto/job/training_rates_files.h"

namespace pipeloom::tests {

namespace {

Model llama(int layers, int hidden, int intermediate, int heads, int kv_heads) {
  Model model;
  model.family = "llama";
  model.layers = layers;
  model.hidden = hidden;
  model.intermediate = intermediate;
  model.vocabulary = 128256;
  model.attention.heads = heads;
  model.attention.kv_heads = kv_heads;
  return make_model(model).value();
}

Model deepseek(int hidden, int intermediate, int vocabulary, const MoeShape& moe) {
  Model model;
  model.family = "deepseek";
  model.layers = 4;
  model.hidden = hidden;
  model.intermediate = intermediate;
  model.vocabulary = vocabulary;
  model.attention = {.heads = 128,
                     .kv_heads = 128,
                     .head_dim = 128,
                     .value_dim = 128,
                     .q_lora_rank = 1536,
                     .kv_lora_rank = 512,
                     .rope_dim = 64};
  model.moe = moe;
  return make_model(model).value();
}

// On so many GPUs as the layout has, in nodes of 8.
Job job_of(const char* gpu, const Model& model, const FrameworkLayout& layout) {
  Job job;
  job.model = model;
  Cluster cluster;
  cluster.gpu = proto::find_gpu(gpu).value();
  const int gpus = layout.tensor * layout.pipeline * layout.data * layout.context;
  cluster.gpus_per_node = gpus < 8 ? gpus : 8;
  cluster.nodes = gpus / cluster.gpus_per_node;
  cluster.nic_bytes_per_s = 50e9;
  job.cluster = cluster;
  job.layout.tensor = layout.tensor;
  job.layout.pipeline = layout.pipeline;
  job.layout.data = layout.data;
  job.layout.context = layout.context;
  job.layout.expert = layout.expert;
  if (layout.pipeline > 1) job.layout.layers_per_stage.assign(layout.pipeline, model.layers / layout.pipeline);
  job.batch = {.sequence_length = layout.sequence, .micro_batch_size = 1, .global_batch = 4 * layout.data};
  job.software.emplace().rates = proto::find_training_rates(gpu).value();
  return job;
}

}  // namespace

Model simumax_llama_70b() {
  return llama(12, 8192, 28672, 64, 8);
}

Model simumax_llama_405b() {
  return llama(4, 16384, 53248, 128, 16);
}

Model simumax_deepseek_v2() {
  return deepseek(5120, 12288, 102400,
                  {.routed_experts = 160,
                   .shared_experts = 2,
                   .experts_per_token = 6,
                   .intermediate = 1536,
                   .first_dense_layers = 1});
}

Model simumax_deepseek_v3() {
  return deepseek(7168, 18432, 129280,
                  {.routed_experts = 256,
                   .shared_experts = 1,
                   .experts_per_token = 8,
                   .intermediate = 2048,
                   .first_dense_layers = 1});
}

Job megatron_job(const Model& model, const FrameworkLayout& layout) {
  Job job = job_of("B200", model, layout);
  job.software->dummy_gradients = true;
  job.software->context_all_to_all = true;
  return make_job(std::move(job)).value();
}

Job torchtitan_job(bool compiled) {
  Job job = job_of("H100", llama(32, 4096, 14336, 32, 8), {.data = 8, .sequence = 8192});
  job.zero_stage = 3;
  job.batch.micro_batch_size = 2;
  job.batch.global_batch = 16;
  Software& software = *job.software;
  software.engine = StateEngine::kFsdp;
  software.loss = LossKernel::kEager;
  software.recompute.operators = true;
  software.compiled = compiled;
  return make_job(std::move(job)).value();
}

Job bloom_job(int layers, const FrameworkLayout& layout, int micro_batch) {
  Model model;
  model.family = "gpt";
  model.layers = layers;
  model.hidden = 14336;
  model.intermediate = 57344;
  model.vocabulary = 250880;
  model.attention.heads = model.attention.kv_heads = 64;
  model.gated_mlp = false;
  model.tied_embedding = true;
  model.mlp_bias = true;
  model.attention.bias = true;
  FrameworkLayout of_bloom = layout;
  of_bloom.sequence = 2048;
  Job job = job_of("A100-80GB", make_model(model).value(), of_bloom);
  job.layout.sequence_parallel = false;
  job.batch.micro_batch_size = micro_batch;
  job.batch.global_batch = int64_t{32} * layout.data * micro_batch;
  job.precision = Precision::kFp16;
  job.recompute = Recompute::kFull;
  job.attention_kernel = AttentionKernel::kUnfused;
  Software& software = *job.software;
  software.engine = StateEngine::kDeepSpeed;
  software.loss = LossKernel::kEager;
  software.gradients = Format::kFp16;
  return make_job(std::move(job)).value();
}

}  // namespace pipeloom::tests
