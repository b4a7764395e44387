#include "backend/model/training.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

namespace pipeloom::backend {

namespace {

Status allow(bool allowed, const char* field, int64_t value, const char* what) {
  if (allowed) return {};
  return unsupported(fmt::format("{} is {}; pipeloom-run trains with {}", field, value, what));
}

// Sums over tokens: of the model, and of its MTP modules.
struct Losses {
  double main = 0;
  double mtp = 0;
};

// One micro-batch through the whole model and back.
Result<Losses> run_micro_batch(const Model& model, ChunkState& chunk, Tokens tokens, ExpertCounts& counts) {
  const auto& parts = chunk.stage().parts();
  Flow<float> flow;
  flow.tokens = std::move(tokens.inputs);
  flow.targets = std::move(tokens.targets);
  std::vector<std::unique_ptr<PartRun<float>>> runs;
  for (size_t i = 0; i < parts.size(); ++i) {
    runs.push_back(parts[i].part->start());
    chunk.forward(static_cast<int>(i), *runs.back(), flow);
    count_experts(model, parts[i], flow, counts);
  }
  for (size_t i = parts.size(); i-- > 0;) {
    PIPELOOM_RETURN_IF_ERROR(chunk.input_backward(static_cast<int>(i), *runs[i], flow));
    PIPELOOM_RETURN_IF_ERROR(chunk.weight_backward(static_cast<int>(i), *runs[i]));
    runs[i].reset();
  }
  return Losses{flow.loss, flow.mtp_loss};
}

}  // namespace

Status check_trainable(const Job& job) {
  if (!job.model) return unsupported("the job has no model; pipeloom-run needs one to train");
  const Model& model = *job.model;
  PIPELOOM_RETURN_IF_ERROR(allow(job.layout.tensor == 1, "layout.tensor", job.layout.tensor, "1"));
  PIPELOOM_RETURN_IF_ERROR(allow(job.layout.context == 1, "layout.context", job.layout.context, "1"));
  PIPELOOM_RETURN_IF_ERROR(allow(job.zero_stage < 3, "zero_stage", job.zero_stage, "0 to 2"));
  const bool offloads = job.offload.activations > 0 || job.offload.optimizer;
  PIPELOOM_RETURN_IF_ERROR(allow(!offloads, "offload", 1, "none: a CPU has nothing to offload to"));
  PIPELOOM_RETURN_IF_ERROR(allow(!model.tied_embedding, "model.tied_embedding", 1, "0 (separate weights)"));
  PIPELOOM_RETURN_IF_ERROR(allow(!model.attention.bias, "model.attention.bias", 1, "0 (no bias)"));
  PIPELOOM_RETURN_IF_ERROR(allow(!model.mlp_bias, "model.mlp_bias", 1, "0 (no bias)"));
  PIPELOOM_RETURN_IF_ERROR(
      allow(model.attention.window == 0, "model.attention.window", model.attention.window, "0 (every token is seen)"));
  PIPELOOM_RETURN_IF_ERROR(allow(!model.clamped_activation, "model.clamped_activation", 1, "0 (SwiGLU or GELU)"));
  const bool rotary = model.learned_positions == 0;
  const int turned = model.attention.is_mla() ? model.attention.rope_dim : rotary ? model.attention.head_dim : 0;
  PIPELOOM_RETURN_IF_ERROR(allow(turned % 2 == 0, "the rotary width of a head", turned, "an even number"));
  PIPELOOM_RETURN_IF_ERROR(
      allow(rotary || model.mtp_depth == 0, "model.mtp_depth", model.mtp_depth, "0 where positions are learned"));
  return allow(rotary || job.batch.sequence_length <= model.learned_positions, "model.learned_positions",
               model.learned_positions, "at least batch.sequence_length");
}

PartShape part_shape(const Job& job, int ep_rank) {
  PartShape shape;
  shape.sequence = job.batch.sequence_length;
  shape.ep_ranks = job.layout.expert;
  shape.ep_rank = ep_rank;
  shape.loss_scale = 1 / static_cast<double>(micro_batches_per_step(job) * job.batch.tokens());
  shape.recompute = job.recompute;
  shape.formats = formats_of(job);
  return shape;
}

double mtp_loss_scale(const Job& job) {
  return part_shape(job, 0).loss_scale / job.model->mtp_depth;
}

int64_t contributions_per_step(const Job& job) {
  return micro_batches_per_step(job) * (1 + job.model->mtp_depth);
}

LoadBalance load_balance(const Job& job) {
  if (!job.model->moe) return {};
  const MoeShape& moe = *job.model->moe;
  const auto tokens = static_cast<double>(micro_batches_per_step(job) * job.batch.tokens());
  return {moe.bias_step, tokens * moe.experts_per_token / moe.routed_experts};
}

void count_experts(const Model& model, const Stage<float>::Placed& placed, const Flow<float>& flow,
                   ExpertCounts& counts) {
  if (placed.component != Component::kRouter) return;
  std::vector<int64_t>& tokens = counts[placed.layer];
  tokens.resize(model.moe->routed_experts);
  for (const int32_t expert : flow.routing.experts) ++tokens[expert];
}

void add_counts(const ExpertCounts& more, ExpertCounts& counts) {
  for (const auto& [layer, tokens] : more) {
    std::vector<int64_t>& sums = counts[layer];
    sums.resize(std::max(sums.size(), tokens.size()));
    for (size_t expert = 0; expert < tokens.size(); ++expert) sums[expert] += tokens[expert];
  }
}

std::vector<ExpertLoad> loads_of(const ExpertCounts& counts) {
  std::vector<ExpertLoad> loads;
  for (const auto& [layer, tokens] : counts) loads.push_back({layer, tokens});
  return loads;
}

void copy_parameters(const ChunkState& chunk, std::map<std::string, std::vector<float>>& parameters) {
  for (const StageParameter& parameter : chunk.stage().parameters()) {
    const auto numbers = chunk.weights().subspan(parameter.offset, parameter.parameter.size());
    parameters[parameter.name].assign(numbers.begin(), numbers.end());
  }
}

Status check_finite(int64_t step, double loss, std::optional<double> mtp_loss) {
  const auto check = [&](const char* what, double value) -> Status {
    if (std::isfinite(value)) return {};
    return invalid(fmt::format("the {} of step {} is {}: the run ends, and its last checkpoint is from before", what,
                               step + 1, value));
  };
  PIPELOOM_RETURN_IF_ERROR(check("loss", loss));
  return mtp_loss ? check("MTP loss", *mtp_loss) : Status();
}

Result<TrainingResult> train_sequentially(const Job& job, const TextTokens& text, int64_t steps,
                                          const TrainingOptions& options,
                                          const std::function<bool(const StepReport&)>& on_step) {
  PartShape shape = part_shape(job, 0);
  shape.ep_ranks = 1;
  const Stage<float> stage(*job.model, whole_program(*job.model), shape, arithmetic_for(shape.formats, options.check));
  ChunkState chunk(stage, options.check ? Sums::kFixedPoint : Sums::kFloat, contributions_per_step(job), options.seed);
  const NumberRange all{0, stage.size()};
  chunk.own_moments(std::span(&all, 1), shape.formats.moments);
  TrainingResult result;
  ExpertCounts counts;
  const bool averages = job.ema_decay > 0;
  if (averages) chunk.own_averages();
  for (int64_t step = 0; step < steps; ++step) {
    const auto begin = std::chrono::steady_clock::now();
    Losses losses;
    for (int replica = 0; replica < job.layout.data; ++replica) {
      for (int micro_batch = 0; micro_batch < job.micro_batches; ++micro_batch) {
        PIPELOOM_TRY(const Losses sums,
                     run_micro_batch(*job.model, chunk, text.micro_batch(step, replica, micro_batch, job.micro_batches),
                                     counts));
        losses.main += sums.main;
        losses.mtp += sums.mtp;
      }
    }
    result.losses.push_back(losses.main * shape.loss_scale);
    if (job.model->mtp_depth > 0) result.mtp_losses.push_back(losses.mtp * mtp_loss_scale(job));
    double scale = 1;
    if (job.clipping != Clipping::kNone) {
      SquareSum squares;
      PIPELOOM_RETURN_IF_ERROR(chunk.add_squares(0, stage.size(), squares));
      scale = clip_scale(squares.norm(), job.clip_norm);
    }
    chunk.optimize(options.adam, load_balance(job), step + 1, scale, 0);
    chunk.clear_sums();
    if (averages) chunk.update_averages(job.ema_decay);
    const std::chrono::nanoseconds time = std::chrono::steady_clock::now() - begin;
    const StepReport report{step, result.losses.back(), time.count(), last_of(result.mtp_losses)};
    PIPELOOM_RETURN_IF_ERROR(check_finite(step, report.loss, report.mtp_loss));
    if (on_step && !on_step(report)) break;
  }
  copy_parameters(chunk, result.parameters);
  result.expert_loads = loads_of(counts);
  if (averages) result.averages_digest = chunk.averages_digest();
  return result;
}

}  // namespace pipeloom::backend
