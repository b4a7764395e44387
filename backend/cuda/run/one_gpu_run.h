#pragma once

#include "backend/device/run/launcher_source.h"

namespace pipeloom::backend {

// All ranks of one replica on one GPU: each on SMs of its own, split as the plan says (Plan::comm_sms for
// communication), hand-overs as copies on the sender's communication SMs. One process, one thread. What is measured is
// the order, the overlap and the SM split of the plan on real hardware; links between GPUs are not. Checks everything
// before the first launch. REQUIRES: why_no_gpu_here() is empty; check_trainable(plan.job) unless paced.
Result<DeviceRunResult> run_on_one_gpu(const GpuRun& run, int device);

}  // namespace pipeloom::backend
