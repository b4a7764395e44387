#include "tests/backend/support.h"

#include <ostream>
#include <random>

namespace pipeloom {

void PrintTo(const Model& model, std::ostream* out) {
  *out << model.family;
}

}  // namespace pipeloom

namespace pipeloom::tests {

namespace {

Model small(const char* family) {
  Model model;
  model.family = family;
  model.layers = 8;
  model.hidden = 12;
  model.intermediate = 10;
  model.vocabulary = 128;
  model.attention.heads = 3;
  model.attention.kv_heads = 3;
  model.attention.head_dim = 4;
  return model;
}

}  // namespace

std::vector<double> random_numbers(int64_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> numbers(count);
  for (double& number : numbers) number = static_cast<double>(random() >> 11) * 0x1p-52 - 1;
  return numbers;
}

Model tiny_dense(int layers) {
  Model model = small("dense");
  model.layers = layers;
  model.attention.heads = 4;
  model.attention.kv_heads = 2;
  model.attention.value_dim = 3;
  return make_model(model).value();
}

Model tiny_gpt() {
  Model model = small("gpt");
  model.gated_mlp = false;
  model.learned_positions = 8;
  return make_model(model).value();
}

Model tiny_moe() {
  Model model = small("moe");
  model.attention.value_dim = 5;
  model.attention.q_lora_rank = 7;
  model.attention.kv_lora_rank = 6;
  model.attention.rope_dim = 2;
  model.moe = MoeShape{.routed_experts = 8,
                       .shared_experts = 1,
                       .experts_per_token = 3,
                       .intermediate = 5,
                       .groups = 4,
                       .groups_per_token = 2,
                       .first_dense_layers = 1};
  return make_model(model).value();
}

Model tiny_v3(int layers) {
  Model model = tiny_moe();
  model.family = "v3";
  model.layers = layers;
  model.moe->gate = GateScore::kSigmoid;
  model.moe->gate_scale = 2.5;
  model.moe->bias_step = 0.01;
  model.moe->balance_loss = 0.01;
  model.mtp_depth = 1;
  return make_model(model).value();
}

Model tiny_mixtral() {
  Model model = small("mixtral");
  model.attention.kv_heads = 1;
  model.intermediate = 0;
  model.moe = MoeShape{.routed_experts = 4, .experts_per_token = 2, .intermediate = 6};
  return make_model(model).value();
}

Job training_job(const Model& model, int ranks, int micro_batches, int data, int expert) {
  Cluster cluster;
  cluster.gpu.name = "a core";
  cluster.gpu.sms = 8;
  cluster.gpu.memory_bytes = 4'000'000'000;
  cluster.gpu.bf16_flops = cluster.gpu.memory_bytes_per_s = cluster.gpu.nvlink_bytes_per_s = 1e9;
  cluster.gpu.fp8_flops = 2e9;
  cluster.gpu.host_bytes_per_s = 1e9;
  cluster.gpus_per_node = ranks * data;
  cluster.nic_bytes_per_s = 1e9;
  cluster.comm_sms = 2;
  Job job;
  job.name = "a test";
  job.model = model;
  job.cluster = make_cluster(cluster).value();
  job.batch = {.sequence_length = 3, .micro_batch_size = 2, .global_batch = int64_t{2} * micro_batches * data};
  job.layout.pipeline = ranks;
  job.layout.data = data;
  job.layout.expert = expert;
  return make_job(job).value();
}

std::string some_text() {
  return "We hold these truths to be self-evident, that all men are created equal, that they are endowed by their "
         "Creator with certain unalienable Rights, that among these are Life, Liberty and the pursuit of Happiness. "
         "That to secure these rights, Governments are instituted among Men, deriving their just powers from the "
         "consent of the governed.";
}

}  // namespace pipeloom::tests
