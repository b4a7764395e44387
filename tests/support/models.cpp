#include "tests/support/models.h"

#include "proto/job/gpu_files.h"

namespace pipeloom::tests {

namespace {

Model dense(const char* family, int layers, int hidden, int intermediate, int heads, int kv_heads, int vocabulary) {
  Model model;
  model.family = family;
  model.layers = layers;
  model.hidden = hidden;
  model.intermediate = intermediate;
  model.vocabulary = vocabulary;
  model.attention.heads = heads;
  model.attention.kv_heads = kv_heads;
  return model;
}

Cluster cluster_of(const char* gpu, int nodes, double nic_bytes_per_s) {
  Cluster cluster;
  cluster.gpu = proto::find_gpu(gpu).value();
  cluster.nodes = nodes;
  cluster.gpus_per_node = 8;
  cluster.nic_bytes_per_s = nic_bytes_per_s;
  return cluster;
}

}  // namespace

Model gpt3_175b() {
  Model model = dense("gpt", 96, 12288, 49152, 96, 96, 50257);
  model.gated_mlp = false;
  model.learned_positions = 2048;
  model.tied_embedding = true;
  model.mlp_bias = true;
  model.attention.bias = true;
  return make_model(model).value();
}

Model llama2_7b() {
  return make_model(dense("llama", 32, 4096, 11008, 32, 32, 32000)).value();
}

Model llama3_405b() {
  return make_model(dense("llama", 126, 16384, 53248, 128, 8, 128256)).value();
}

Model mixtral_8x7b() {
  Model model = dense("mixtral", 32, 4096, 0, 32, 8, 32000);
  model.moe = MoeShape{.routed_experts = 8, .experts_per_token = 2, .intermediate = 14336};
  return make_model(model).value();
}

Model deepseek_v3() {
  Model model = dense("deepseek", 61, 7168, 18432, 128, 128, 129280);
  model.attention.head_dim = 128;
  model.attention.value_dim = 128;
  model.attention.q_lora_rank = 1536;
  model.attention.kv_lora_rank = 512;
  model.attention.rope_dim = 64;
  model.moe = MoeShape{.routed_experts = 256,
                       .shared_experts = 1,
                       .experts_per_token = 8,
                       .intermediate = 2048,
                       .groups = 8,
                       .groups_per_token = 4,
                       .first_dense_layers = 3};
  model.mtp_depth = 1;
  return make_model(model).value();
}

Cluster h800_cluster(int nodes) {
  return cluster_of("H800", nodes, 50e9);
}
Cluster h100_cluster(int nodes) {
  return cluster_of("H100", nodes, 50e9);
}

Job deepseek_v3_job() {
  Job job;
  job.name = "DeepSeek-V3";
  job.model = deepseek_v3();
  job.cluster = h800_cluster(256);
  job.batch = {.sequence_length = 4096, .micro_batch_size = 1, .global_batch = 15360};
  job.layout.pipeline = 16;
  job.layout.data = 128;
  job.layout.expert = 64;
  job.precision = Precision::kFp8;
  job.recompute = Recompute::kSelective;
  return make_job(job).value();
}

Job llama3_405b_job() {
  Job job;
  job.name = "Llama-3-405B";
  job.model = llama3_405b();
  job.cluster = h100_cluster(128);
  job.batch = {.sequence_length = 8192, .micro_batch_size = 1, .global_batch = 128};
  job.layout.pipeline = 16;
  job.layout.data = 8;
  job.layout.tensor = 8;
  return make_job(job).value();
}

Job direct_job(int ranks, int micro_batches) {
  Job job;
  job.costs = DirectCosts{{1'000'000}, {1'000'000}, {1'000'000}, {}, {}};
  job.layout.pipeline = ranks;
  job.micro_batches = micro_batches;
  return make_job(job).value();
}

}  // namespace pipeloom::tests
