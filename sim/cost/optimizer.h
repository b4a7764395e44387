#pragma once

#include <cstdint>

#include "core/job/job.h"
#include "sim/cost/memory_model.h"

namespace pipeloom::sim {

// Seconds of rings over all that hold the same weights of a stage: `bytes_per_parameter` of each parameter pass through
// every GPU once, before the efficiency of gradient rings.
double replica_ring_seconds(const Job& job, const StageParameters& parameters, int copies, double bytes_per_parameter);

// How many of a stage's parameters one GPU updates: all that it holds, or its share of them with ZeRO.
double updated_parameters(const Job& job, const StageParameters& parameters, int copies);

// Reducing one stage's gradients on one GPU: a reduce-scatter with ZeRO, an all-reduce without.
int64_t gradient_reduction_ns(const Job& job, const StageParameters& parameters, int copies);

// The update of one stage's weights on one GPU and, with ZeRO, gathering what the others updated.
int64_t optimizer_ns(const Job& job, const StageParameters& parameters, int copies);

// The moving average of one stage's weights in the host's memory, updated by one GPU; a part by each replica with ZeRO.
int64_t ema_ns(const Job& job, const StageParameters& parameters, int copies);

// The norm of all gradients, one number over all GPUs; 0 where the job does not clip.
int64_t norm_ns(const Job& job);

}  // namespace pipeloom::sim
