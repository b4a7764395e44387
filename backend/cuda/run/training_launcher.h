#pragma once

#include "backend/cuda/run/gpu_run.h"
#include "backend/model/tokens.h"

namespace pipeloom {

// Real training on a GPU: launchers over GpuTrainer, each with memory, products and uploads of its own on the current
// device. All arguments outlive the source. REQUIRES: check_gpu_trainable(plan.job).
LauncherSource training_launchers(const Plan& plan, const TextTokens& text, const TrainingOptions& options);

}  // namespace pipeloom
