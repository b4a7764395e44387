#include "core/job/job.h"

#include <fmt/format.h>

#include <set>

#include "core/base/field_check.h"
#include "core/schedule/placement.h"

namespace pipeloom {

namespace {

constexpr int64_t kMaxMicroBatches = 1'000'000;

Status check_times(const char* name, const std::vector<int64_t>& times, bool may_be_empty) {
  if (times.empty() && !may_be_empty) {
    return invalid(fmt::format("costs.{} is empty; allowed is one entry for all stages, or one per stage", name));
  }
  for (size_t stage = 0; stage < times.size(); ++stage) {
    PIPELOOM_RETURN_IF_ERROR(
        check_field(fmt::format("costs.{}[{}]", name, stage), times[stage], 0, ScheduleCosts::kMaxPassNs));
  }
  return {};
}

Status check_costs(const DirectCosts& costs) {
  PIPELOOM_RETURN_IF_ERROR(check_times("f_ns", costs.f_ns, false));
  PIPELOOM_RETURN_IF_ERROR(check_times("i_ns", costs.i_ns, false));
  PIPELOOM_RETURN_IF_ERROR(check_times("w_ns", costs.w_ns, false));
  PIPELOOM_RETURN_IF_ERROR(check_times("b_ns", costs.b_ns, true));
  for (const auto& [name, pair_ns] : {std::pair("pair_ns", costs.pair_ns), {"input_pair_ns", costs.input_pair_ns}}) {
    if (!pair_ns) continue;
    PIPELOOM_RETURN_IF_ERROR(check_field(fmt::format("costs.{}", name), *pair_ns, 0, ScheduleCosts::kMaxPassNs));
  }
  return {};
}

Status check_source(const Job& job) {
  if (job.model && job.costs) return invalid("the job gives both a model and costs; allowed is one of them");
  if (!job.model && !job.costs) return invalid("the job gives neither a model nor costs; one of them is needed");
  if (job.costs) return check_costs(*job.costs);
  if (!job.cluster) return invalid("cluster is missing; a job with a model needs one");
  if (job.p2p.latency_ns != 0) {
    return invalid(
        fmt::format("p2p.latency_ns is {}; allowed is 0: with a model, links are the cluster's", job.p2p.latency_ns));
  }
  return {};
}

// Whether the layer has that component; all-to-all is there only where experts are spread, and is left out otherwise.
bool has_component(const Model& model, int layer, Component component) {
  switch (component) {
    case Component::kStage:
      return true;
    case Component::kEmbed:
      return layer == -1;
    case Component::kHead:
      return layer == model.layers;
    case Component::kAttention:
      return layer >= 0 && layer < model.layers;
    case Component::kMlp:
      return layer >= 0 && layer < model.layers && !model.is_moe_layer(layer);
    case Component::kRouter:
    case Component::kDispatch:
    case Component::kExperts:
    case Component::kCombine:
      return layer >= 0 && layer < model.layers && model.is_moe_layer(layer);
    case Component::kWait:
      break;
  }
  return false;
}

Status check_measured_component(const Model& model, const MeasuredLayer& measured) {
  if (has_component(model, measured.layer, measured.component)) return {};
  return invalid(fmt::format("measured_layers gives component {} of layer {}, which has none",
                             component_name(measured.component), measured.layer));
}

Status check_measured_layers(const Job& job) {
  if (job.measured_layers.empty()) return {};
  if (!job.model) return invalid("measured_layers is given; allowed only with a model");
  std::set<std::pair<int, Component>> seen;
  for (const MeasuredLayer& measured : job.measured_layers) {
    PIPELOOM_RETURN_IF_ERROR(check_field("measured_layers.layer", int64_t{measured.layer}, -1, job.model->layers));
    PIPELOOM_RETURN_IF_ERROR(check_measured_component(*job.model, measured));
    const bool whole = measured.component == Component::kStage;
    const auto again = seen.lower_bound({measured.layer, Component::kStage});
    const bool has_any = again != seen.end() && again->first == measured.layer;
    const bool has_whole = seen.contains({measured.layer, Component::kStage});
    if ((whole && has_any) || has_whole || !seen.insert({measured.layer, measured.component}).second) {
      return invalid(fmt::format("measured_layers gives layer {} twice; allowed is once", measured.layer));
    }
    for (const auto& [name, ns] :
         {std::pair{"f_ns", measured.f_ns}, std::pair{"i_ns", measured.i_ns}, std::pair{"w_ns", measured.w_ns}}) {
      PIPELOOM_RETURN_IF_ERROR(check_field(fmt::format("measured_layers of layer {}: {}", measured.layer, name), ns, 0,
                                           ScheduleCosts::kMaxPassNs));
    }
  }
  return {};
}

bool has_experts(const Model& model, int layer) {
  if (!model.moe) return false;
  if (layer < model.layers) return model.is_moe_layer(layer);
  return layer > model.layers && layer <= model.layers + model.mtp_depth && model.is_moe_layer(model.layers - 1);
}

Status check_expert_loads(const Job& job) {
  std::set<int> seen;
  for (const ExpertLoad& load : job.expert_loads) {
    if (!job.model || !has_experts(*job.model, load.layer)) {
      return invalid(fmt::format("expert_loads gives layer {}, which has no experts", load.layer));
    }
    const auto experts = static_cast<size_t>(job.model->moe->routed_experts);
    if (load.tokens.size() != experts) {
      return invalid(fmt::format("expert_loads gives {} experts of layer {}; model.moe.routed_experts is {}",
                                 load.tokens.size(), load.layer, experts));
    }
    if (!seen.insert(load.layer).second) {
      return invalid(fmt::format("expert_loads gives layer {} twice; allowed is once", load.layer));
    }
    int64_t sum = 0;
    for (const int64_t tokens : load.tokens) {
      PIPELOOM_RETURN_IF_ERROR(check_field(fmt::format("expert_loads of layer {}: tokens", load.layer), tokens, 0,
                                           int64_t{1'000'000'000'000'000}));
      sum += tokens;
    }
    if (sum == 0)
      return invalid(fmt::format("expert_loads gives layer {} no tokens; allowed are 1 and more", load.layer));
  }
  return {};
}

Status check_options(const Job& job) {
  PIPELOOM_RETURN_IF_ERROR(check_field("schedule.chunks", int64_t{job.schedule.chunks}, 0, Placement::kMaxStages));
  PIPELOOM_RETURN_IF_ERROR(check_field("schedule.group", int64_t{job.schedule.group}, 0, kMaxMicroBatches));
  PIPELOOM_RETURN_IF_ERROR(
      check_field("schedule.pipe_pairs", int64_t{job.schedule.pipe_pairs}, 1, Placement::kMaxRanks));
  PIPELOOM_RETURN_IF_ERROR(check_field("schedule.waves", int64_t{job.schedule.waves}, 1, Placement::kMaxStages));
  PIPELOOM_RETURN_IF_ERROR(check_field("p2p.latency_ns", job.p2p.latency_ns, 0, ScheduleCosts::kMaxPassNs));
  PIPELOOM_RETURN_IF_ERROR(check_field("p2p.receive_depth", int64_t{job.p2p.receive_depth}, 0, kMaxMicroBatches));
  PIPELOOM_RETURN_IF_ERROR(check_field("clip_norm", job.clip_norm, 1e-12, 1e12));
  PIPELOOM_RETURN_IF_ERROR(check_field("ema_decay", job.ema_decay, 0.0, 1.0));
  if (job.ema_decay > 0 && (!job.model || job.cluster->gpu.host_bytes_per_s == 0)) {
    return invalid("ema_decay is given; it needs a model and a cluster whose gpu has host_bytes_per_s");
  }
  PIPELOOM_RETURN_IF_ERROR(check_field("zero_stage", int64_t{job.zero_stage}, 0, 3));
  PIPELOOM_RETURN_IF_ERROR(check_field("memory_limit_bytes", job.memory_limit_bytes, 0, 1'000'000'000'000'000));
  PIPELOOM_RETURN_IF_ERROR(check_field("weight_share_millionths", job.weight_share_millionths, 0, 1'000'000));
  PIPELOOM_RETURN_IF_ERROR(check_field("offload.activations", job.offload.activations, 0.0, 1.0));
  const bool offloads = job.offload.activations > 0 || job.offload.optimizer;
  if (offloads && (!job.cluster || job.cluster->gpu.host_bytes_per_s == 0)) {
    return invalid("offload is given; it needs a cluster whose gpu has host_bytes_per_s");
  }
  if (job.model && job.cluster->gpu.fp8_flops == 0) {
    if (job.precision == Precision::kFp8) {
      return invalid(fmt::format("precision is fp8; cluster.gpu {} has none", job.cluster->gpu.name));
    }
    const Formats formats = formats_of(job);
    if (formats.attention == Format::kFp8 || formats.mlp == Format::kFp8) {
      return invalid(fmt::format("formats gives products in FP8; cluster.gpu {} has none", job.cluster->gpu.name));
    }
  }
  return check_formats(job.formats);
}

Formats formats_of_precision(Precision precision) {
  using enum Format;
  switch (precision) {
    case Precision::kFp16:
      return {kFp16, kFp16, kFp16, kFp16, kFp16, kFp16, kFp16, kFp32};
    case Precision::kFp8:
      return {kFp8, kFp8, kBf16, kFp8, kE5m6, kFp8, kBf16, kBf16};
    case Precision::kBf16:
      break;
  }
  return {};
}

Result<int> micro_batches_of(const Batch& batch, const Layout& layout) {
  PIPELOOM_RETURN_IF_ERROR(check_field("batch.sequence_length", batch.sequence_length, 1, 100'000'000));
  PIPELOOM_RETURN_IF_ERROR(check_field("batch.micro_batch_size", batch.micro_batch_size, 1, 1'000'000));
  PIPELOOM_RETURN_IF_ERROR(check_field("tokens of a micro-batch (batch.sequence_length * batch.micro_batch_size)",
                                       batch.tokens(), 1, 100'000'000));
  PIPELOOM_RETURN_IF_ERROR(check_field("batch.global_batch", batch.global_batch, 1, 1'000'000'000'000));
  const int64_t together = int64_t{layout.data} * batch.micro_batch_size;
  if (batch.global_batch % together != 0) {
    return invalid(
        fmt::format("batch.global_batch is {}; it must be a multiple of layout.data * "
                    "batch.micro_batch_size ({} * {} = {})",
                    batch.global_batch, layout.data, batch.micro_batch_size, together));
  }
  const int64_t micro_batches = batch.global_batch / together;
  PIPELOOM_RETURN_IF_ERROR(
      check_field("micro-batches of one pipeline (batch.global_batch / (layout.data * "
                  "batch.micro_batch_size))",
                  micro_batches, 1, kMaxMicroBatches));
  return static_cast<int>(micro_batches);
}

Status check_references(const Job& job) {
  for (const Reference& reference : job.references) {
    PIPELOOM_RETURN_IF_ERROR(
        check_field(fmt::format("references of {}: value", reference.quantity), reference.value, 1e-12, 1e30));
  }
  return {};
}

Status check_software_of(const Job& job) {
  if (job.software) {
    if (!job.model) return invalid("software is given; allowed only with a model");
    return check_software(*job.software);
  }
  if (!job.model) return {};
  if (job.model->clamped_activation) {
    return invalid("model.clamped_activation is true; without software only false is allowed");
  }
  if (job.model->attention.window == 0) return {};
  return invalid(
      fmt::format("model.attention.window is {}; without software only 0 is allowed", job.model->attention.window));
}

Status check_context(const Job& job) {
  if (!job.model || job.batch.sequence_length % job.layout.context == 0) return {};
  return invalid(fmt::format("layout.context is {}; it must divide batch.sequence_length ({})", job.layout.context,
                             job.batch.sequence_length));
}

Status fill_micro_batches(Job& job) {
  const bool from_batch = job.model || job.batch.global_batch != 0;
  if (!from_batch) return check_field("micro_batches", int64_t{job.micro_batches}, 1, kMaxMicroBatches);
  PIPELOOM_TRY(const int micro_batches, micro_batches_of(job.batch, job.layout));
  if (job.micro_batches != 0 && job.micro_batches != micro_batches) {
    return invalid(
        fmt::format("micro_batches is {}; the batch gives {} (leave it out, or 0)", job.micro_batches, micro_batches));
  }
  job.micro_batches = micro_batches;
  return {};
}

}  // namespace

Formats formats_of(const Job& job) {
  Formats formats = formats_of_precision(job.precision);
  const FormatChoice& choice = job.formats;
  formats.attention = choice.attention.value_or(formats.attention);
  formats.mlp = choice.mlp.value_or(formats.mlp);
  formats.cached = choice.cached.value_or(formats.cached);
  formats.cached_core = choice.cached_core.value_or(formats.cached_core);
  formats.dispatch = choice.dispatch.value_or(formats.dispatch);
  formats.combine = choice.combine.value_or(formats.combine);
  formats.moments = choice.moments.value_or(formats.moments);
  return formats;
}

RecomputedParts recomputed_parts(const Job& job) {
  RecomputedParts parts = job.software->recompute;
  if (job.recompute != Recompute::kSelective) return parts;
  if (job.attention_kernel == AttentionKernel::kUnfused) {
    parts.core_attention = true;
  } else {
    parts.norms = parts.activations = parts.up_projections = true;
  }
  return parts;
}

Result<Job> make_job(Job job) {
  PIPELOOM_RETURN_IF_ERROR(check_source(job));
  if (job.model) {
    PIPELOOM_TRY(job.model, make_model(*std::move(job.model)));
  }
  if (job.cluster) {
    PIPELOOM_TRY(job.cluster, make_cluster(*std::move(job.cluster)));
  }
  PIPELOOM_RETURN_IF_ERROR(
      check_layout(job.layout, job.model ? &*job.model : nullptr, job.cluster ? &*job.cluster : nullptr));
  PIPELOOM_RETURN_IF_ERROR(check_measured_layers(job));
  PIPELOOM_RETURN_IF_ERROR(check_expert_loads(job));
  PIPELOOM_RETURN_IF_ERROR(check_options(job));
  PIPELOOM_RETURN_IF_ERROR(check_references(job));
  PIPELOOM_RETURN_IF_ERROR(check_software_of(job));
  PIPELOOM_RETURN_IF_ERROR(check_variation(job.variation, job.model && job.model->moe));
  PIPELOOM_RETURN_IF_ERROR(fill_micro_batches(job));
  PIPELOOM_RETURN_IF_ERROR(check_context(job));
  return job;
}

}  // namespace pipeloom
