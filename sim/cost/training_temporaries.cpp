#include <algorithm>

#include "sim/cost/parameter_count.h"
#include "sim/cost/rounding.h"
#include "sim/cost/saved_tensors.h"
#include "sim/cost/training_layer.h"
#include "sim/cost/training_memory.h"

namespace pipeloom::sim {

namespace {

double logits(const Job& job) {
  return training_tokens(job).all * static_cast<double>(padded_vocabulary(job)) / job.layout.tensor;
}

// Bytes that the loss's backward pass holds for each logit beside what F saved. Eager: the gradient of the losses and
// of log-softmax, in FP32; PyTorch's loss over a split vocabulary holds a third tensor, and the gradient in BF16.
double loss_bytes(const Job& job) {
  const Software& software = *job.software;
  if (software.loss == LossKernel::kFused) return 0;
  if (software.loss == LossKernel::kCompiled) return 2;
  return software.engine == StateEngine::kFsdp && job.layout.tensor > 1 ? 12 : 8;
}

// Rows that tensor parallelism gathers over the group, if sequence parallelism has split them.
double gathered_row(const Job& job) {
  const bool split = job.layout.sequence_parallel && job.layout.tensor > 1;
  return split ? training_tokens(job).all * kWideBytes * job.model->hidden : 0;
}

double row(const Job& job) {
  return training_tokens(job).split * kWideBytes * job.model->hidden;
}

// The head: the gradient of what it read; with sequence parallelism what it read, gathered again, and that gradient's
// own share.
double head_backward(const Job& job) {
  double bytes = loss_bytes(job) * logits(job) + gathered_row(job);
  if (job.software->engine == StateEngine::kFsdp) return bytes;
  bytes += training_tokens(job).all * kWideBytes * job.model->hidden;
  return gathered_row(job) > 0 ? bytes + row(job) : bytes;
}

// A layer: the gradient that came in, and those of the MLP's inner numbers; of experts the buffers of combine and
// dispatch, whose rows are as wide as the residual stream (four of them, as DeepSeek-V2 and V3 agree). Besides what is
// computed again.
double layer_backward(const Job& job, int kind) {
  const Model& model = *job.model;
  const double again = saved_tensors(job, kind).total() - kept_tensors(job, kind).total();
  if (model.is_moe_layer(kind)) return again + row(job) + 4 * expert_rows(job) * kWideBytes * model.hidden;
  const double inner = training_tokens(job).all / job.layout.tensor * kWideBytes * model.intermediate;
  return again + row(job) + (model.gated_mlp ? 2 : 1) * inner + gathered_row(job);
}

double end_weights(const Job& job) {
  return kWideBytes * static_cast<double>(padded_vocabulary(job)) * job.model->hidden / job.layout.tensor;
}

// Weights that are gathered while they are used: those of the layer that computes and of the next one, and for the
// whole pass embedding and head.
double gathered_weights(const Job& job, const StageSpan& span) {
  if (job.software->engine != StateEngine::kFsdp && job.zero_stage < 3) return 0;
  const LayerKinds kinds = layer_kinds(*job.model, span);
  double largest = 0;
  for (const int layer : {kinds.dense_layer, kinds.experts_layer}) {
    if (layer < 0) continue;
    const LayerParameters parameters = layer_parameters(*job.model, layer);
    largest = std::max(largest, static_cast<double>(parameters.dense) / job.layout.tensor +
                                    static_cast<double>(parameters.routed) / job.layout.expert);
  }
  const double width = job.software->gathered == Format::kFp8 ? 1 : kWideBytes;
  return std::min(2, span.layers) * width * largest + (span.is_first ? end_weights(job) : 0) +
         (span.is_last ? end_weights(job) : 0);
}

// What a stage receives from the one before while it computes. DeepSpeed's buffers are among what it saved.
double received(const Job& job, const StageSpan& span) {
  return span.is_first || job.software->engine == StateEngine::kDeepSpeed ? 0 : row(job);
}

}  // namespace

StageTemporaries training_temporaries(const Job& job, const StageSpan& span) {
  double largest = 0;
  // What the head saved is freed when the layers' backward pass begins.
  StageSpan layers = span;
  layers.is_last = false;
  const int64_t of_head = training_activation(job, span).total - training_activation(job, layers).total;
  const auto freed = static_cast<double>(of_head);
  if (span.is_last) largest = head_backward(job);
  if (span.layers > 0) largest = std::max(largest, layer_backward(job, span.end_layer() - 1) - freed);
  StageTemporaries temporaries;
  temporaries.backward_bytes = rounded_bytes(largest + received(job, span) + gathered_weights(job, span));
  const LayerKinds kinds = layer_kinds(*job.model, span);
  double layer = kinds.dense > 0 ? kept_tensors(job, kinds.dense_layer).total() : 0;
  if (kinds.experts > 0) layer = std::max(layer, kept_tensors(job, kinds.experts_layer).total());
  temporaries.layer_bytes = rounded_bytes(layer * (1 - job.offload.activations));
  if (span.is_first) temporaries.embedding_bytes = rounded_bytes(end_weights(job));
  return temporaries;
}

}  // namespace pipeloom::sim
