#include <algorithm>

#include "proto/job/gpu_files.h"
#include "proto/job/training_rates_files.h"
#include "tests/proto/random_draws.h"
#include "tests/proto/random_inputs.h"

namespace pipeloom::tests {

namespace {

MoeShape random_moe(std::mt19937_64& random, int layers) {
  MoeShape moe;
  moe.groups = small(random, 1, 8);
  moe.routed_experts = moe.groups * small(random, 1, 32);
  moe.shared_experts = small(random, 0, 4);
  moe.groups_per_token = small(random, 1, moe.groups);
  moe.experts_per_token = small(random, 1, moe.groups_per_token * (moe.routed_experts / moe.groups));
  moe.intermediate = small(random, 1, 4096);
  moe.first_dense_layers = small(random, 0, layers - 1);
  moe.layer_step = small(random, 1, layers);
  if (sometimes(random)) {
    moe.gate = GateScore::kSigmoid;
    moe.gate_scale = 2.5;
    moe.bias_step = 0.125;
    moe.balance_loss = 0.25;
  }
  return moe;
}

Model random_model(std::mt19937_64& random) {
  Model model;
  model.family = sometimes(random) ? "llama" : "a \"quoted\" family\n";
  model.layers = small(random, 8, 100);
  model.hidden = small(random, 1, 20000);
  model.intermediate = small(random, 1, 60000);
  model.gated_mlp = sometimes(random);
  model.vocabulary = small(random, 1, 200000);
  model.learned_positions = small(random, 0, 4096);
  model.tied_embedding = sometimes(random);
  model.mlp_bias = sometimes(random);
  model.dropout = sometimes(random);
  AttentionShape& attention = model.attention;
  attention.kv_heads = small(random, 1, 16);
  attention.heads = attention.kv_heads * small(random, 1, 8);
  attention.head_dim = small(random, 1, 256);
  attention.value_dim = small(random, 1, 256);
  if (sometimes(random)) {
    attention.q_lora_rank = small(random, 0, 2000);
    attention.kv_lora_rank = small(random, 1, 600);
    attention.rope_dim = small(random, 0, 64);
  }
  attention.bias = sometimes(random);
  if (sometimes(random)) model.moe = random_moe(random, model.layers);
  model.mtp_depth = small(random, 0, 2);
  if (sometimes(random)) model.mtp_loss_weight = 0.125;
  return model;
}

Cluster random_cluster(std::mt19937_64& random) {
  Cluster cluster;
  cluster.gpu = proto::known_gpus()[static_cast<size_t>(
      between(random, 0, static_cast<int64_t>(proto::known_gpus().size()) - 1))];
  if (sometimes(random)) {
    cluster.gpu.memory_bytes = between(random, 1'000'000'000, 200'000'000'000);
    cluster.gpu.bf16_flops = rate(random);
    cluster.gpu.memory_bytes_per_s = rate(random);
    cluster.gpu.nvlink_bytes_per_s = rate(random);
  }
  cluster.gpu.fp8_flops = rate(random);
  cluster.gpu.rates.memory_efficiency = 0.5;
  if (sometimes(random)) {
    cluster.gpu.rates.product_curve = value_of(Curve::create("curve", {{64, 0.25}, {4096, rate(random) / 1e15}}));
  }
  cluster.nodes = 4;
  cluster.gpus_per_node = 8;
  cluster.nic_bytes_per_s = sometimes(random) ? 50e9 : rate(random);
  cluster.nvlink_latency_ns = between(random, 0, 100'000);
  cluster.nic_latency_ns = between(random, 0, 100'000);
  cluster.comm_sms = small(random, 0, 40);
  if (sometimes(random)) {
    cluster.nvlink_domain = 24;
    cluster.domain_gpus = 8 * small(random, 0, 3);
  }
  return cluster;
}

Cluster random_shared_cluster(std::mt19937_64& random) {
  Cluster cluster = random_cluster(random);
  cluster.nvlink_domain = cluster.domain_gpus = 0;
  cluster.nodes = 1;
  cluster.gpus_per_node = 32;
  cluster.comm_sms = small(random, 0, 1);
  cluster.gpu.rates.hand_over = {
      {4, {{4096, 1e9, {CopyMethod::kLoadStore, 16}}, {1 << 20, 1e11, {CopyMethod::kBulk, 65'536}}}},
      {16, {{4096, rate(random), {CopyMethod::kStreamingReadOnly, 4096}}}}};
  cluster.shared_gpu = cluster.gpu;
  if (sometimes(random)) cluster.hand_over = {CopyMethod::kStreaming, 16 * between(random, 1, 10'000)};
  return value_of(make_cluster(std::move(cluster)));
}

void give_model(std::mt19937_64& random, Job& job) {
  job.model = random_model(random);
  job.cluster = sometimes(random) ? random_shared_cluster(random) : random_cluster(random);
  job.layout.pipeline = 4;
  job.layout.data = 4;
  job.layout.context = 2;
  job.layout.sequence_parallel = sometimes(random);
  std::shuffle(job.layout.gpu_order.begin(), job.layout.gpu_order.end(), random);
  job.attention_kernel = static_cast<AttentionKernel>(between(random, 0, 1));
  job.offload = {static_cast<double>(between(random, 0, 4)) / 4, sometimes(random)};
  if (sometimes(random)) job.references = {{"step_s", 12.5, "a \"source\""}, {"memory_gbytes", 80, ""}};
  job.batch = {2 * between(random, 1, 4096), between(random, 1, 8), 0};
  job.batch.global_batch = job.layout.data * job.batch.micro_batch_size * between(random, 1, 100);
  if (sometimes(random)) {
    job.layout.layers_per_stage = {1, 2, 3, job.model->layers - 6};
  }
  if (job.model->moe && sometimes(random)) {
    const int experts = job.model->moe->routed_experts;
    const int layer = job.model->moe->first_dense_layers;
    job.expert_loads = {{layer, repeat(experts, [&] { return between(random, 1, 1000); })}};
  }
  for (int layer = 0; layer < small(random, 0, 5); ++layer) {
    job.measured_layers.push_back({layer, time_ns(random), time_ns(random), time_ns(random),
                                   sometimes(random) ? Component::kStage : Component::kAttention});
  }
}

void give_costs(std::mt19937_64& random, Job& job) {
  const auto times = [&] { return repeat(sometimes(random) ? 1 : 4, [&] { return time_ns(random); }); };
  job.costs = DirectCosts{times(), times(), times(), {}, {}};
  if (sometimes(random)) job.costs->b_ns = times();
  if (sometimes(random)) job.costs->pair_ns = time_ns(random);
  if (sometimes(random)) job.costs->input_pair_ns = time_ns(random);
  job.layout.pipeline = 4;
  job.micro_batches = small(random, 1, 1000);
  job.p2p.latency_ns = time_ns(random);
}

Software random_software(std::mt19937_64& random) {
  Software software;
  software.name = "a framework";
  software.recipe = static_cast<ProductRecipe>(between(random, 0, 6));
  software.eight_bit_attention = sometimes(random);
  software.eight_bit_head = sometimes(random);
  software.graphs = {sometimes(random), sometimes(random), sometimes(random), sometimes(random)};
  software.recompute = {sometimes(random), sometimes(random), sometimes(random), sometimes(random),
                        sometimes(random), sometimes(random), sometimes(random)};
  constexpr Dispatcher kDispatchers[] = {Dispatcher::kAllToAll, Dispatcher::kDeepEp, Dispatcher::kHybridEp};
  software.dispatcher = kDispatchers[between(random, 0, 2)];
  for (bool* flag :
       {&software.overlap_experts, &software.overlap_gradients, &software.overlap_weights, &software.overlap_tensor,
        &software.fused_experts, &software.compiled, &software.sdpa, &software.low_precision_states,
        &software.dummy_gradients, &software.query_key_norms, &software.context_all_to_all}) {
    *flag = sometimes(random);
  }
  software.gradients = sometimes(random) ? Format::kFp32 : Format::kBf16;
  software.gathered = sometimes(random) ? Format::kBf16 : Format::kFp8;
  software.engine = static_cast<StateEngine>(between(random, 0, 2));
  software.loss = static_cast<LossKernel>(between(random, 0, 2));
  software.rates = value_of(proto::find_training_rates("GB200"));
  software.rates.host_us_per_op = small(random, 0, 100);
  software.expert_imbalance = static_cast<double>(between(random, 0, 4)) / 4;
  return software;
}

// And what only a job with software may have.
void give_software(std::mt19937_64& random, Job& job) {
  job.software = random_software(random);
  job.model->clamped_activation = sometimes(random);
  job.model->attention.window = small(random, 0, 4096);
}

}  // namespace

Job random_job(std::mt19937_64& random) {
  Job job;
  job.name = sometimes(random) ? "" : "a job";
  if (sometimes(random)) {
    give_model(random, job);
  } else {
    give_costs(random, job);
  }
  job.schedule = {sometimes(random) ? "" : "dualpipe", small(random, 0, 8), small(random, 0, 8), small(random, 1, 4),
                  small(random, 1, 4)};
  job.p2p.mode = static_cast<P2pMode>(between(random, 0, 1));
  job.p2p.receive_depth = small(random, 0, 8);
  job.precision = static_cast<Precision>(between(random, 0, 2));
  job.recompute = static_cast<Recompute>(between(random, 0, 2));
  if (sometimes(random)) {
    job.variation = {0.125, job.model && job.model->moe ? 0.5 : 0, 0.0625, 1.5};
  }
  if (sometimes(random)) {
    job.formats = {Format::kBf16, Format::kFp8, Format::kFp8, Format::kE5m6,
                   Format::kBf16, Format::kFp8, Format::kBf16};
  }
  if (sometimes(random)) job.formats.moments.reset();
  if (job.model && sometimes(random)) give_software(random, job);
  job.clipping = static_cast<Clipping>(between(random, 0, 2));
  job.clip_norm = small(random, 1, 100);
  if (job.model && job.cluster->gpu.host_bytes_per_s > 0) job.ema_decay = 0.75;
  job.zero_stage = small(random, 0, 2);
  job.memory_limit_bytes = between(random, 0, 200'000'000'000);
  job.weight_share_millionths = between(random, 0, 1'000'000);
  return value_of(make_job(std::move(job)));
}

}  // namespace pipeloom::tests
