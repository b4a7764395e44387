#pragma once

#include <cstdint>

#include "core/job/job.h"
#include "sim/cost/memory_model.h"

namespace pipeloom::sim {

// Reducing one stage's gradients on one GPU: a reduce-scatter with ZeRO, an all-reduce without.
int64_t gradient_reduction_ns(const Job& job, const StageParameters& parameters, int copies);

// The update of one stage's weights on one GPU and, with ZeRO, gathering what the others updated.
int64_t optimizer_ns(const Job& job, const StageParameters& parameters, int copies);

// The moving average of one stage's weights in the host's memory, updated by one GPU; a part by each replica with ZeRO.
int64_t ema_ns(const Job& job, const StageParameters& parameters, int copies);

// The norm of all gradients, one number over all GPUs; 0 where the job does not clip.
int64_t norm_ns(const Job& job);

}  // namespace pipeloom::sim
