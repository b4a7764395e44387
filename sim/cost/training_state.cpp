#include "sim/cost/groups.h"
#include "sim/cost/memory_counters.h"
#include "sim/cost/saved_tensors.h"
#include "sim/cost/training_memory.h"

namespace pipeloom::sim {

namespace {

// Bytes of one parameter, before anything is sharded.
struct ParameterBytes {
  double weights = 0;
  double ends = 0;  // weights of embedding and head, which are never in 8 bits
  double gradients = 0;
  double optimizer = 0;
};

double gradient_width(const Job& job) {
  return job.software->gradients == Format::kFp32 ? 4 : 2;
}

// Master weight and two moments.
double adam_bytes(const Software& software) {
  return software.low_precision_states ? 4 + 2 + 2 : 4 + 4 + 4;
}

// TransformerEngine keeps a cast of every weight between micro-batches, and its transpose where products need one
// (Hopper's FP8, and blocks that are scaled along what is summed). Weights that are gathered in 8 bits have no others.
double weight_width(const Software& software) {
  if (software.recipe == ProductRecipe::kWide) return 2;
  const bool transposed = software.rates.transposed_bytes > 0 || software.recipe == ProductRecipe::kMxfp8 ||
                          software.recipe == ProductRecipe::kBlockwise || software.recipe == ProductRecipe::kNvfp4;
  const double casts = operand_bytes(software.recipe) * (transposed ? 2 : 1);
  return software.gathered == Format::kFp8 ? casts : 2 + casts;
}

ParameterBytes parameter_bytes(const Job& job) {
  const Software& software = *job.software;
  switch (software.engine) {
    case StateEngine::kFsdp:
      return {4, 4, 4, 8};
    case StateEngine::kDeepSpeed:
      // BF16 with FP32 gradients: those in BF16 stay beside them (DeepSpeed, runtime/bf16_optimizer.py).
      return {2, 2, software.gradients == Format::kFp32 ? 2.0 + 4 : 2, 12};
    case StateEngine::kMegatron:
      break;
  }
  return {weight_width(software), 2, gradient_width(job), adam_bytes(software)};
}

// Parameters count no padded rows.
double padded_ends(const Job& job, const StageParameters& parameters) {
  return static_cast<double>(parameters.ends) * static_cast<double>(padded_vocabulary(job)) /
         static_cast<double>(job.model->vocabulary);
}

int64_t shards(int64_t members, int zero_stage, int from_stage) {
  return zero_stage >= from_stage ? members : 1;
}

int64_t share(double bytes, int64_t parts) {
  return static_cast<int64_t>(bytes / static_cast<double>(parts) + 0.5);
}

}  // namespace

StageState training_state(const Job& job, const StageParameters& parameters, int copies) {
  const ParameterBytes bytes = parameter_bytes(job);
  const int64_t dense_members = dense_replicas(job.layout, *job.cluster, copies).members;
  const int64_t routed_members = expert_replicas(job.layout, *job.cluster, copies).members;
  const int zero_stage = job.software->engine == StateEngine::kFsdp ? 3 : job.zero_stage;
  const double ends = padded_ends(job, parameters);
  const auto spread = [&](double of_layers, double of_ends, int from_stage) {
    const double dense = of_layers * static_cast<double>(parameters.dense) + of_ends * ends;
    return share(dense, shards(dense_members, zero_stage, from_stage)) +
           share(of_layers * static_cast<double>(parameters.routed), shards(routed_members, zero_stage, from_stage));
  };
  return {spread(bytes.weights, bytes.ends, 3), spread(bytes.gradients, bytes.gradients, 2),
          job.offload.optimizer ? 0 : spread(bytes.optimizer, bytes.optimizer, 1)};
}

int64_t training_step_bytes(const Job& job, const StageParameters& parameters, int copies) {
  if (job.software->engine == StateEngine::kFsdp || job.software->gradients == Format::kFp32) return 0;
  const bool sharded = job.zero_stage > 0;
  const auto widened = [&](double count, int64_t members) { return share(4 * count, sharded ? members : 1); };
  const double dense = static_cast<double>(parameters.dense) + padded_ends(job, parameters);
  return widened(dense, dense_replicas(job.layout, *job.cluster, copies).members) +
         widened(static_cast<double>(parameters.routed), expert_replicas(job.layout, *job.cluster, copies).members);
}

Reserve training_reserve(const Job& job) {
  constexpr int64_t kMib = 1024 * 1024;
  const Software& software = *job.software;
  Reserve reserve;
  reserve.runtime_bytes = kContextBytes;
  reserve.communication_bytes = kChannelBytes;
  if (software.engine == StateEngine::kDeepSpeed) reserve.communication_bytes = kDeepSpeedOutsideBytes - kContextBytes;
  const bool buffers = software.dispatcher == Dispatcher::kDeepEp || software.dispatcher == Dispatcher::kHybridEp;
  if (buffers && job.layout.expert > 1) reserve.communication_bytes += kDispatcherBytes;
  // cuBLAS and TransformerEngine, 32 MiB each; grouped products run on several streams, each with its own.
  reserve.workspace_bytes = 64 * kMib;
  if (job.model->moe && software.engine == StateEngine::kMegatron) reserve.workspace_bytes += 160 * kMib;
  return reserve;
}

}  // namespace pipeloom::sim
