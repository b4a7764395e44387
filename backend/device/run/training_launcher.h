#pragma once

#include "backend/device/run/device_library.h"
#include "backend/device/run/launcher_source.h"
#include "backend/model/tokens.h"

namespace pipeloom::backend {

// Launchers that train the plan's model (GpuTrainer) on the current device. All arguments outlive what they make.
// Errors of the source: check_gpu_trainable's.
LauncherSource training_launchers(const Plan& plan, const TextTokens& text, const TrainingOptions& options,
                                  DeviceLibrary& library);

}  // namespace pipeloom::backend
