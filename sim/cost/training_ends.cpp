#include <cmath>

#include "sim/cost/training_layer.h"

namespace pipeloom::sim {

TrainingPart training_embedding(const Job& job, const TrainingKernels& kernels) {
  const double hidden = training_tokens(job).split * job.model->hidden;
  return {Component::kEmbed,
          Lane::kCompute,
          {kernels.memory_bound(4 * hidden, 1), 0, kernels.memory_bound(10 * hidden, 1)}};
}

// The loss reads and writes 14 bytes per logit with a fused cross entropy, 20 with PyTorch's own; two fifths of them
// backward. Rows are padded to a multiple of 128 on each GPU (Megatron-LM).
TrainingPart training_head(const Job& job, const TrainingKernels& kernels) {
  constexpr double kForwardShare = 0.6;
  const Model& model = *job.model;
  const TrainingTokens tokens = training_tokens(job);
  const double vocabulary = 128 * std::ceil(static_cast<double>(model.vocabulary) / (128.0 * job.layout.tensor));
  const double bytes = (job.software->sdpa ? 20 : 14) * tokens.all * vocabulary;
  const LinearShape shape = {tokens.all, vocabulary, static_cast<double>(model.hidden)};
  const bool narrow = job.software->eight_bit_head;
  TrainingPart head = {Component::kHead, Lane::kCompute,
                       narrow ? kernels.linear(shape) : kernels.linear(shape, OperandWidth::kWide)};
  const double hidden = tokens.split * model.hidden;
  head.seconds.forward += kernels.memory_bound(4 * hidden + kForwardShare * bytes, 4) + kernels.tensor_gather();
  head.seconds.input += kernels.memory_bound(6 * hidden + (1 - kForwardShare) * bytes, 3) +
                        0.5 * kernels.tensor_gather() + kernels.tensor_reduction();
  return head;
}

TrainingPart training_mtp_projection(const Job& job, const TrainingKernels& kernels) {
  const double hidden = job.model->hidden;
  const double size = training_tokens(job).split * hidden;
  TrainingPart part = {Component::kEmbed, Lane::kCompute,
                       kernels.linear({training_tokens(job).split, hidden, 2 * hidden})};
  part.seconds.forward += kernels.memory_bound(20 * size, 5);
  part.seconds.input += kernels.memory_bound(20 * size, 4);
  return part;
}

}  // namespace pipeloom::sim
