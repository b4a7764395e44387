#include "sim/cost/activation_bytes.h"
#include "sim/cost/rounding.h"
#include "sim/cost/saved_tensors.h"
#include "sim/cost/training_layer.h"
#include "sim/cost/training_memory.h"

namespace pipeloom::sim {

namespace {

ActivationBytes operator*(int times, const ActivationBytes& bytes) {
  return {times * bytes.total, times * bytes.kept};
}

double row_of_hidden(const Job& job) {
  return training_tokens(job).split * 2 * job.model->hidden;
}

ActivationBytes layer_bytes(const Job& job, int kind) {
  return {kept_tensors(job, kind).total(), needed_for_weight(job, kind)};
}

// The final norm's input and output, and the logits: as they are kept for the loss's backward pass.
ActivationBytes head_bytes(const Job& job) {
  const double logits = training_tokens(job).all * static_cast<double>(padded_vocabulary(job)) / job.layout.tensor;
  const double of_logit = job.software->loss == LossKernel::kEager ? 4 : 2;
  return {2 * row_of_hidden(job) + of_logit * logits, row_of_hidden(job) + 2 * logits};
}

// Both norms' inputs and their outputs side by side, a layer, and a head. W needs these outputs, and the gradients of
// their projection and of the embedding's rows.
ActivationBytes module_bytes(const Job& job) {
  ActivationBytes bytes = layer_bytes(job, job.model->layers - 1);
  bytes += head_bytes(job);
  bytes += {4 * row_of_hidden(job), 4 * row_of_hidden(job)};
  return bytes;
}

}  // namespace

int64_t padded_vocabulary(const Job& job) {
  const int64_t vocabulary = job.model->vocabulary;
  if (job.software->engine != StateEngine::kMegatron) return vocabulary;
  const int64_t multiple = int64_t{128} * job.layout.tensor;
  return (vocabulary + 1 + multiple - 1) / multiple * multiple;
}

ActivationSize training_activation(const Job& job, const StageSpan& span) {
  ActivationBytes sum;
  const LayerKinds kinds = layer_kinds(*job.model, span);
  if (kinds.dense > 0) sum += kinds.dense * layer_bytes(job, kinds.dense_layer);
  if (kinds.experts > 0) sum += kinds.experts * layer_bytes(job, kinds.experts_layer);
  sum.total *= 1 - job.offload.activations;
  sum.kept *= 1 - job.offload.activations;
  if (span.is_first) sum += {0, row_of_hidden(job)};  // the gradient of the embedding's rows
  if (span.is_last) {
    sum += head_bytes(job);
    for (int module = 0; module < job.model->mtp_depth; ++module) sum += module_bytes(job);
  }
  // DeepSpeed's pipeline engine keeps what a stage received and what it sent (runtime/pipe/engine.py, pipe_buffers).
  if (job.software->engine == StateEngine::kDeepSpeed && job.layout.pipeline > 1) {
    sum += {2 * row_of_hidden(job), 2 * row_of_hidden(job)};
  }
  return {rounded_bytes(sum.total), rounded_bytes(sum.kept)};
}

}  // namespace pipeloom::sim
