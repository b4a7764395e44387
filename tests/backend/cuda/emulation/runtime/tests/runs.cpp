#include "tests/backend/cuda/emulation/runtime/tests/runs.h"

#include "backend/cuda/nccl/nccl_run.h"
#include "backend/cuda/run/cuda_library.h"
#include "backend/cuda/run/one_gpu_run.h"
#include "backend/device/run/training_launcher.h"
#include "backend/transport/threads.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::tests {

Plan gpu_plan(const Job& job, const char* schedule) {
  Plan plan = plan_with(job, schedule).value();
  plan.comm_sms = 8;
  return plan;
}

backend::TextTokens text_of(const Job& job) {
  return backend::TextTokens::create(some_text(), job.batch, job.model->vocabulary, 1, 1 + job.model->mtp_depth)
      .value();
}

Result<backend::DeviceRunResult> train_on_one_gpu(const Plan& plan, const backend::DeviceRunOptions& options,
                                                  const backend::TrainingOptions& training) {
  const backend::TextTokens text = text_of(plan.job);
  return backend::run_on_one_gpu(
      {plan, backend::training_launchers(plan, text, training, backend::cuda_library()), options}, 0);
}

Result<backend::DeviceRunResult> train_on_gpus(const Plan& plan, const backend::DeviceRunOptions& options,
                                               const backend::TrainingOptions& training) {
  const backend::TextTokens text = text_of(plan.job);
  const backend::LauncherSource launchers = backend::training_launchers(plan, text, training, backend::cuda_library());
  backend::DeviceRunResult of_rank_0;
  const auto rank_main = [&](backend::Endpoint& endpoint) -> Status {
    PIPELOOM_TRY(backend::DeviceRunResult result,
                 backend::run_gpu_rank({plan, launchers, options}, endpoint, endpoint.rank()));
    if (endpoint.rank() == 0) of_rank_0 = std::move(result);
    return {};
  };
  PIPELOOM_RETURN_IF_ERROR(backend::run_on_threads(plan.schedule.ranks() * plan.job.layout.data, rank_main));
  return of_rank_0;
}

std::vector<double> losses_on_cpu(const Plan& plan, int64_t steps) {
  return backend::train_sequentially(plan.job, text_of(plan.job), steps, {}).value().losses;
}

}  // namespace pipeloom::tests
