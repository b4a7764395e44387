#pragma once

#include <vector>

#include "backend/device/run/launcher_source.h"
#include "backend/model/tokens.h"
#include "core/tasks/plan.h"

namespace pipeloom::tests {

// Of 3 steps, as training_test.cpp states and explains them.
inline constexpr double kDenseTolerance = 1e-3;
inline constexpr double kExpertsTolerance = 4e-3;

// `job` with a named schedule and 8 SMs for communication.
Plan gpu_plan(const Job& job, const char* schedule);
// The tokens that the job trains on.
backend::TextTokens text_of(const Job& job);
// On GPU 0, or each rank on a thread and a GPU of its own.
Result<backend::DeviceRunResult> train_on_one_gpu(const Plan& plan, const backend::DeviceRunOptions& options,
                                                  const backend::TrainingOptions& training = {});
Result<backend::DeviceRunResult> train_on_gpus(const Plan& plan, const backend::DeviceRunOptions& options,
                                               const backend::TrainingOptions& training = {});
// The sequential run's.
std::vector<double> losses_on_cpu(const Plan& plan, int64_t steps);

}  // namespace pipeloom::tests
