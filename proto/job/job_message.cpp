#include "proto/job/job_message.h"

#include <fmt/format.h>

#include "proto/base/columns.h"
#include "proto/base/decimal.h"
#include "proto/base/version.h"
#include "proto/job/cluster_message.h"
#include "proto/job/job.pb.h"
#include "proto/job/model_message.h"
#include "proto/job/software_message.h"

namespace pipeloom::proto {

namespace {

constexpr double kNsPerMs = 1e6;
constexpr double kNsPerUs = 1e3;
constexpr double kGbytes = 1e9;
constexpr double kMillionths = 1e6;

static_assert(static_cast<int>(Precision::kBf16) == message::Job::BF16);
static_assert(static_cast<int>(Precision::kFp16) == message::Job::FP16);
static_assert(static_cast<int>(Precision::kFp8) == message::Job::FP8);
static_assert(static_cast<int>(Recompute::kNone) == message::Job::NONE);
static_assert(static_cast<int>(Recompute::kSelective) == message::Job::SELECTIVE);
static_assert(static_cast<int>(Recompute::kFull) == message::Job::FULL);
static_assert(static_cast<int>(AttentionKernel::kFused) == message::Job::FUSED);
static_assert(static_cast<int>(AttentionKernel::kUnfused) == message::Job::UNFUSED);
static_assert(static_cast<int>(Dimension::kTensor) == message::Layout::TENSOR);
static_assert(static_cast<int>(Dimension::kContext) == message::Layout::CONTEXT);
static_assert(static_cast<int>(Dimension::kData) == message::Layout::DATA);
static_assert(static_cast<int>(Dimension::kPipeline) == message::Layout::PIPELINE);
static_assert(static_cast<int>(P2pMode::kAsync) == message::P2p::ASYNC);
static_assert(static_cast<int>(P2pMode::kBlocking) == message::P2p::BLOCKING);
static_assert(static_cast<int>(Clipping::kValidated) == message::Job::VALIDATED);
static_assert(static_cast<int>(Format::kFp32) == message::Formats::FP32);
static_assert(static_cast<int>(Format::kFp16) == message::Formats::FP16);
static_assert(static_cast<int>(Format::kBf16) == message::Formats::BF16);
static_assert(static_cast<int>(Format::kE5m6) == message::Formats::E5M6);
static_assert(static_cast<int>(Format::kFp8) == message::Formats::FP8);

// Only a number can be out of range: names are checked by the parser.
template <typename Enum>
Result<Enum> load_enum(const char* field, int value, Enum last) {
  if (value < 0 || value > static_cast<int>(last)) {
    return invalid(fmt::format("{} is {}; allowed are 0 to {}", field, value, static_cast<int>(last)));
  }
  return static_cast<Enum>(value);
}

template <typename Column>
void store_decimals(const std::vector<int64_t>& values, double units, Column* column) {
  for (const int64_t value : values) column->Add(decimal(value, units));
}

template <typename Column>
Result<std::vector<int64_t>> load_decimals(const char* field, const Column& column, double units) {
  std::vector<int64_t> values;
  for (const double value : column) {
    PIPELOOM_TRY(const int64_t whole, whole_units(field, value, units));
    values.push_back(whole);
  }
  return values;
}

void store_direct_costs(const DirectCosts& costs, message::DirectCosts* message) {
  store_decimals(costs.f_ns, kNsPerMs, message->mutable_f_ms());
  store_decimals(costs.i_ns, kNsPerMs, message->mutable_i_ms());
  store_decimals(costs.w_ns, kNsPerMs, message->mutable_w_ms());
  store_decimals(costs.b_ns, kNsPerMs, message->mutable_b_ms());
  if (costs.pair_ns) message->set_pair_ms(decimal(*costs.pair_ns, kNsPerMs));
  if (costs.input_pair_ns) message->set_input_pair_ms(decimal(*costs.input_pair_ns, kNsPerMs));
}

Result<DirectCosts> load_direct_costs(const message::DirectCosts& message) {
  DirectCosts costs;
  PIPELOOM_TRY(costs.f_ns, load_decimals("costs.f_ms", message.f_ms(), kNsPerMs));
  PIPELOOM_TRY(costs.i_ns, load_decimals("costs.i_ms", message.i_ms(), kNsPerMs));
  PIPELOOM_TRY(costs.w_ns, load_decimals("costs.w_ms", message.w_ms(), kNsPerMs));
  PIPELOOM_TRY(costs.b_ns, load_decimals("costs.b_ms", message.b_ms(), kNsPerMs));
  if (message.has_pair_ms()) {
    PIPELOOM_TRY(costs.pair_ns, whole_units("costs.pair_ms", message.pair_ms(), kNsPerMs));
  }
  if (message.has_input_pair_ms()) {
    PIPELOOM_TRY(costs.input_pair_ns, whole_units("costs.input_pair_ms", message.input_pair_ms(), kNsPerMs));
  }
  return costs;
}

Result<MeasuredLayer> load_measured_layer(const message::MeasuredLayer& message) {
  MeasuredLayer layer;
  layer.layer = message.layer();
  PIPELOOM_TRY(layer.f_ns, whole_units("measured_layers.f_us", message.f_us(), kNsPerUs));
  PIPELOOM_TRY(layer.i_ns, whole_units("measured_layers.i_us", message.i_us(), kNsPerUs));
  PIPELOOM_TRY(layer.w_ns, whole_units("measured_layers.w_us", message.w_us(), kNsPerUs));
  if (!message.component().empty()) {
    const auto component = find_component(message.component());
    if (!component)
      return invalid(
          fmt::format("measured_layers.component is \"{}\"; allowed are attention, router, "
                      "dispatch, experts, combine, mlp, embed and head",
                      message.component()));
    layer.component = *component;
  }
  return layer;
}

void store_batch(const Batch& batch, message::Batch* message) {
  message->set_sequence_length(batch.sequence_length);
  message->set_micro_batch_size(batch.micro_batch_size);
  message->set_global_batch(batch.global_batch);
}

Batch load_batch(const message::Batch& message) {
  Batch batch;
  batch.sequence_length = message.sequence_length();
  if (message.has_micro_batch_size()) batch.micro_batch_size = message.micro_batch_size();
  batch.global_batch = message.global_batch();
  return batch;
}

void store_layout(const Layout& layout, message::Layout* message) {
  message->set_pipeline(layout.pipeline);
  message->set_data(layout.data);
  message->set_tensor(layout.tensor);
  message->set_expert(layout.expert);
  store_values(layout.layers_per_stage, message->mutable_layers_per_stage());
  message->set_context(layout.context);
  message->set_sequence_parallel(layout.sequence_parallel);
  for (const Dimension dimension : layout.gpu_order) {
    message->add_gpu_order(static_cast<message::Layout::Dimension>(dimension));
  }
}

Status load_gpu_order(const message::Layout& message, Layout& layout) {
  if (message.gpu_order().empty()) return {};
  if (message.gpu_order_size() != static_cast<int>(layout.gpu_order.size())) {
    return invalid(
        fmt::format("layout.gpu_order has {} entries; allowed are none, or TENSOR, CONTEXT, DATA and PIPELINE",
                    message.gpu_order_size()));
  }
  for (size_t i = 0; i < layout.gpu_order.size(); ++i) {
    PIPELOOM_TRY(layout.gpu_order[i],
                 load_enum("layout.gpu_order", message.gpu_order(static_cast<int>(i)), Dimension::kPipeline));
  }
  return {};
}

Result<Layout> load_layout(const message::Layout& message) {
  Layout layout;
  if (message.has_pipeline()) layout.pipeline = message.pipeline();
  if (message.has_data()) layout.data = message.data();
  if (message.has_tensor()) layout.tensor = message.tensor();
  if (message.has_expert()) layout.expert = message.expert();
  layout.layers_per_stage.assign(message.layers_per_stage().begin(), message.layers_per_stage().end());
  if (message.has_context()) layout.context = message.context();
  if (message.has_sequence_parallel()) layout.sequence_parallel = message.sequence_parallel();
  PIPELOOM_RETURN_IF_ERROR(load_gpu_order(message, layout));
  return layout;
}

void store_reference(const Reference& reference, message::Reference* message) {
  message->set_quantity(reference.quantity);
  message->set_value(reference.value);
  message->set_source(reference.source);
}

void store_formats(const FormatChoice& choice, message::Formats* message) {
  const auto stored = [](Format format) { return static_cast<message::Formats::Format>(format); };
  if (choice.attention) message->set_attention(stored(*choice.attention));
  if (choice.mlp) message->set_mlp(stored(*choice.mlp));
  if (choice.cached) message->set_cached(stored(*choice.cached));
  if (choice.cached_core) message->set_cached_core(stored(*choice.cached_core));
  if (choice.dispatch) message->set_dispatch(stored(*choice.dispatch));
  if (choice.combine) message->set_combine(stored(*choice.combine));
  if (choice.moments) message->set_moments(stored(*choice.moments));
}

Result<FormatChoice> load_formats(const message::Formats& message) {
  FormatChoice choice;
  if (message.has_attention()) {
    PIPELOOM_TRY(choice.attention, load_enum("formats.attention", message.attention(), Format::kFp8));
  }
  if (message.has_mlp()) {
    PIPELOOM_TRY(choice.mlp, load_enum("formats.mlp", message.mlp(), Format::kFp8));
  }
  if (message.has_cached()) {
    PIPELOOM_TRY(choice.cached, load_enum("formats.cached", message.cached(), Format::kFp8));
  }
  if (message.has_cached_core()) {
    PIPELOOM_TRY(choice.cached_core, load_enum("formats.cached_core", message.cached_core(), Format::kFp8));
  }
  if (message.has_dispatch()) {
    PIPELOOM_TRY(choice.dispatch, load_enum("formats.dispatch", message.dispatch(), Format::kFp8));
  }
  if (message.has_combine()) {
    PIPELOOM_TRY(choice.combine, load_enum("formats.combine", message.combine(), Format::kFp8));
  }
  if (message.has_moments()) {
    PIPELOOM_TRY(choice.moments, load_enum("formats.moments", message.moments(), Format::kFp8));
  }
  return choice;
}

void store_variation(const Variation& variation, message::Variation* message) {
  message->set_jitter(variation.jitter);
  message->set_expert_imbalance(variation.expert_imbalance);
  message->set_straggler_probability(variation.straggler_probability);
  message->set_straggler_slowdown(variation.straggler_slowdown);
}

Variation load_variation(const message::Variation& message) {
  Variation variation;
  variation.jitter = message.jitter();
  variation.expert_imbalance = message.expert_imbalance();
  variation.straggler_probability = message.straggler_probability();
  if (message.has_straggler_slowdown()) variation.straggler_slowdown = message.straggler_slowdown();
  return variation;
}

void store_schedule_choice(const ScheduleChoice& choice, message::ScheduleChoice* message) {
  message->set_name(choice.name);
  message->set_chunks(choice.chunks);
  message->set_group(choice.group);
  message->set_pipe_pairs(choice.pipe_pairs);
  message->set_waves(choice.waves);
}

ScheduleChoice load_schedule_choice(const message::ScheduleChoice& message) {
  ScheduleChoice choice;
  choice.name = message.name();
  choice.chunks = message.chunks();
  choice.group = message.group();
  if (message.has_pipe_pairs()) choice.pipe_pairs = message.pipe_pairs();
  if (message.has_waves()) choice.waves = message.waves();
  return choice;
}

void store_p2p(const P2pOptions& p2p, message::P2p* message) {
  message->set_mode(static_cast<message::P2p::Mode>(p2p.mode));
  message->set_latency_ms(decimal(p2p.latency_ns, kNsPerMs));
  message->set_receive_depth(p2p.receive_depth);
}

Result<P2pOptions> load_p2p(const message::P2p& message) {
  P2pOptions p2p;
  PIPELOOM_TRY(p2p.mode, load_enum("p2p.mode", message.mode(), P2pMode::kBlocking));
  PIPELOOM_TRY(p2p.latency_ns, whole_units("p2p.latency_ms", message.latency_ms(), kNsPerMs));
  if (message.has_receive_depth()) p2p.receive_depth = message.receive_depth();
  return p2p;
}

}  // namespace

void store_measured_layer(const MeasuredLayer& layer, message::MeasuredLayer* message) {
  message->set_layer(layer.layer);
  message->set_f_us(decimal(layer.f_ns, kNsPerUs));
  message->set_i_us(decimal(layer.i_ns, kNsPerUs));
  message->set_w_us(decimal(layer.w_ns, kNsPerUs));
  if (layer.component != Component::kStage) message->set_component(component_name(layer.component));
}

void store_job(const Job& job, message::Job* message) {
  message->set_format_version(kFormatVersion);
  message->set_name(job.name);
  if (job.model) store_model(*job.model, message->mutable_model());
  if (job.cluster) store_cluster(*job.cluster, message->mutable_cluster());
  if (job.costs) store_direct_costs(*job.costs, message->mutable_costs());
  for (const MeasuredLayer& layer : job.measured_layers) store_measured_layer(layer, message->add_measured_layers());
  for (const ExpertLoad& load : job.expert_loads) {
    message::ExpertLoad* stored = message->add_expert_loads();
    stored->set_layer(load.layer);
    store_values(load.tokens, stored->mutable_tokens());
  }
  store_batch(job.batch, message->mutable_batch());
  store_layout(job.layout, message->mutable_layout());
  message->set_micro_batches(job.micro_batches);
  store_schedule_choice(job.schedule, message->mutable_schedule());
  store_p2p(job.p2p, message->mutable_p2p());
  message->set_precision(static_cast<message::Job::Precision>(job.precision));
  if (job.formats != FormatChoice{}) store_formats(job.formats, message->mutable_formats());
  message->set_recompute(static_cast<message::Job::Recompute>(job.recompute));
  message->set_attention_kernel(static_cast<message::Job::AttentionKernel>(job.attention_kernel));
  message->mutable_offload()->set_activations(job.offload.activations);
  message->mutable_offload()->set_optimizer(job.offload.optimizer);
  for (const Reference& reference : job.references) store_reference(reference, message->add_references());
  if (job.software) store_software(*job.software, message->mutable_software());
  if (job.variation != Variation{}) store_variation(job.variation, message->mutable_variation());
  message->set_clipping(static_cast<message::Job::Clipping>(job.clipping));
  message->set_clip_norm(job.clip_norm);
  message->set_ema_decay(job.ema_decay);
  message->set_zero_stage(job.zero_stage);
  message->set_memory_limit_gbytes(decimal(job.memory_limit_bytes, kGbytes));
  message->set_weight_share(decimal(job.weight_share_millionths, kMillionths));
}

Result<Job> load_job(const message::Job& message) {
  Job job;
  job.name = message.name();
  if (message.has_model()) {
    PIPELOOM_TRY(job.model, load_model(message.model()));
  }
  if (message.has_cluster()) {
    PIPELOOM_TRY(job.cluster, load_cluster(message.cluster()));
  }
  if (message.has_costs()) {
    PIPELOOM_TRY(job.costs, load_direct_costs(message.costs()));
  }
  for (const message::MeasuredLayer& layer : message.measured_layers()) {
    PIPELOOM_TRY(const MeasuredLayer measured, load_measured_layer(layer));
    job.measured_layers.push_back(measured);
  }
  for (const message::ExpertLoad& load : message.expert_loads()) {
    job.expert_loads.push_back({load.layer(), {load.tokens().begin(), load.tokens().end()}});
  }
  job.batch = load_batch(message.batch());
  PIPELOOM_TRY(job.layout, load_layout(message.layout()));
  job.micro_batches = message.micro_batches();
  job.schedule = load_schedule_choice(message.schedule());
  PIPELOOM_TRY(job.p2p, load_p2p(message.p2p()));
  PIPELOOM_TRY(job.precision, load_enum("precision", message.precision(), Precision::kFp8));
  PIPELOOM_TRY(job.formats, load_formats(message.formats()));
  PIPELOOM_TRY(job.recompute, load_enum("recompute", message.recompute(), Recompute::kFull));
  PIPELOOM_TRY(job.attention_kernel,
               load_enum("attention_kernel", message.attention_kernel(), AttentionKernel::kUnfused));
  job.offload = {message.offload().activations(), message.offload().optimizer()};
  for (const message::Reference& reference : message.references()) {
    job.references.push_back({reference.quantity(), reference.value(), reference.source()});
  }
  job.variation = load_variation(message.variation());
  if (message.has_software()) {
    PIPELOOM_TRY(job.software, load_software(message.software(), job.cluster ? job.cluster->gpu.name : ""));
  }
  PIPELOOM_TRY(job.clipping, load_enum("clipping", message.clipping(), Clipping::kValidated));
  job.ema_decay = message.ema_decay();
  if (message.has_clip_norm()) job.clip_norm = message.clip_norm();
  if (message.has_zero_stage()) job.zero_stage = message.zero_stage();
  PIPELOOM_TRY(job.memory_limit_bytes, whole_units("memory_limit_gbytes", message.memory_limit_gbytes(), kGbytes));
  if (message.has_weight_share()) {
    PIPELOOM_TRY(job.weight_share_millionths, whole_units("weight_share", message.weight_share(), kMillionths));
  }
  return make_job(std::move(job));
}

}  // namespace pipeloom::proto
