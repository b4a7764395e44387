#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backend/model/adam.h"
#include "backend/model/chunk_state.h"
#include "backend/model/tokens.h"
#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::backend {

struct TrainingOptions {
  // Check mode: products in one order and sums in fixed point, so that a run's bits are those of every other cut of the
  // same job. Otherwise oneDNN's products and float sums.
  bool check = false;
  AdamOptions adam;
  uint64_t seed = 1;  // of the initial weights
};

// What a run leaves.
struct TrainingResult {
  std::vector<double> losses;                            // [step] mean over the tokens of the step
  std::map<std::string, std::vector<float>> parameters;  // by StageParameter::name
  std::vector<ExpertLoad> expert_loads;  // of all steps, layer by layer; empty: the model has no experts
  uint64_t averages_digest = 0;          // ChunkState::averages_digest of all chunks; 0: the job has no moving averages
  std::vector<double> mtp_losses = {};   // [step] mean over its tokens and MTP modules; empty: the model has none

  bool operator==(const TrainingResult&) const = default;
};

// What is known when a step has ended.
struct StepReport {
  int64_t step = 0;  // from 0
  double loss = 0;   // mean over the tokens of the step
  int64_t time_ns = 0;
  std::optional<double> mtp_loss = {};  // mean over the tokens and MTP modules; absent: the model has none
};

// Of losses of steps that may have none.
inline std::optional<double> last_of(const std::vector<double>& losses) {
  return losses.empty() ? std::nullopt : std::optional(losses.back());
}

// Fails where a loss of the step is not finite: no step after it could be either. Steps number from 0.
Status check_finite(int64_t step, double loss, std::optional<double> mtp_loss);

// Whether this backend has the maths for the job's model and layout; names the field that it can't run.
Status check_trainable(const Job& job);

// What the sum of the losses of a step's tokens, in all MTP modules, is multiplied by for their mean.
double mtp_loss_scale(const Job& job);

// Of a rank that is number `ep_rank` of its EP group.
PartShape part_shape(const Job& job, int ep_rank);
// How the biases of the job's experts move; not at all where its model has none.
LoadBalance load_balance(const Job& job);
// The most passes that add to a number's gradient in one step: MTP modules use tables of the main model.
int64_t contributions_per_step(const Job& job);
// Micro-batches of all data-parallel replicas in one step.
inline int64_t micro_batches_per_step(const Job& job) {
  return int64_t{job.micro_batches} * job.layout.data;
}

// Tokens of each expert of a layer.
using ExpertCounts = std::map<int, std::vector<int64_t>>;
// Adds the choices of a micro-batch that a router has just made.
void count_experts(const Model& model, const Stage<float>::Placed& placed, const Flow<float>& flow,
                   ExpertCounts& counts);
void add_counts(const ExpertCounts& more, ExpertCounts& counts);
std::vector<ExpertLoad> loads_of(const ExpertCounts& counts);

void copy_parameters(const ChunkState& chunk, std::map<std::string, std::vector<float>>& parameters);

// The whole job on one thread, micro-batch by micro-batch: what every schedule must reproduce. Ends early, with what it
// has, where `on_step` returns false.
// REQUIRES: check_trainable.
Result<TrainingResult> train_sequentially(const Job& job, const TextTokens& text, int64_t steps,
                                          const TrainingOptions& options,
                                          const std::function<bool(const StepReport&)>& on_step = {});

}  // namespace pipeloom::backend
