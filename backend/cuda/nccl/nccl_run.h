#pragma once

#include "backend/device/run/launcher_source.h"
#include "backend/transport/endpoint.h"

namespace pipeloom::backend {

// One rank of a run, on GPU `device` of its machine; NCCL between ranks, `endpoint` to find each other, to meet between
// steps and to end all ranks where one fails. Checks everything before the first launch. Every rank calls it together.
// REQUIRES: why_no_gpu_here() is empty; check_trainable(plan.job); not paced. Never run on more than one GPU.
Result<DeviceRunResult> run_gpu_rank(const GpuRun& run, Endpoint& endpoint, int device);

}  // namespace pipeloom::backend
