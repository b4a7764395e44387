#pragma once

#include <cstdint>
#include <vector>

#include "core/costs/costs.h"
#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "sim/cost/memory_model.h"
#include "sim/cost/stage_span.h"

namespace pipeloom::sim {

// What a training framework allocates, counted tensor by tensor in bytes. Every function REQUIRES a job with software.

// Vocabulary rows of embedding and head. Megatron-LM pads one more than the vocabulary (the end of a document) to 128
// for each tensor-parallel GPU (training/tokenizer, _vocab_size_with_padding).
int64_t padded_vocabulary(const Job& job);

// Weights, gradients and the optimizer's states of one copy of a stage. `copies`: of the stage in one pipeline.
StageState training_state(const Job& job, const StageParameters& parameters, int copies);
// What the optimizer's step holds besides: gradients that are not FP32 are widened, each replica its share
// (Megatron-Core, optimizer/distrib_optimizer.py, shard_model_grad.float()).
int64_t training_step_bytes(const Job& job, const StageParameters& parameters, int copies);

// What one micro-batch of a stage keeps from F on, and from I on.
ActivationSize training_activation(const Job& job, const StageSpan& span);

// What a stage's backward pass holds for a moment, with all that F saved. The largest of two moments counts: the head's
// backward pass, and that of the stage's last layer, which runs before anything of the layers is freed.
StageTemporaries training_temporaries(const Job& job, const StageSpan& span);

// BF16 tensors that stand for weight gradients which the products have summed already: one for each shape of a weight
// (TransformerEngine, module/base.py, get_dummy_wgrad), and one for the head. They are never freed. `stages`: of one
// rank, which keeps one tensor where shapes are equal.
int64_t dummy_gradients_bytes(const Job& job, const std::vector<StageSpan>& stages);

// The workspaces of products; what lies outside of the allocator.
Reserve training_reserve(const Job& job);

}  // namespace pipeloom::sim
