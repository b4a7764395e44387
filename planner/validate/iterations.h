#pragma once

#include "core/base/result.h"
#include "core/job/gpu.h"
#include "core/job/job.h"
#include "core/job/measured_iteration.h"

namespace pipeloom::planner {

// The job that was measured, as Megatron-DeepSpeed ran it for vTrain (MICRO'24): GPT with learned positions and a
// vocabulary of 50257, FP16, unfused attention, full recomputation, no ZeRO, 1F1B with equal stages, on nodes of 8 GPUs
// with 800 Gb/s (docs/research/costs.md, section 8).
Result<Job> job_of(const MeasuredIteration& measured, const Gpu& gpu);

// Seconds of the step.
Result<double> predicted_seconds(const MeasuredIteration& measured, const Gpu& gpu);

}  // namespace pipeloom::planner
