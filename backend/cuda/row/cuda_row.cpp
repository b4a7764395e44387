#include "backend/cuda/row/cuda_row.h"

#include "backend/cuda/nccl/nccl_run.h"
#include "backend/cuda/run/cuda_library.h"
#include "backend/cuda/run/gpu_facts.h"
#include "backend/cuda/run/one_gpu_run.h"
#include "backend/cuda/tune/measure_gpu.h"
#include "backend/device/model/gpu_trainable.h"
#include "backend/device/run/training_launcher.h"
#include "backend/device/table/cuda_outline.h"

namespace pipeloom::backend {

namespace {

Status run_on_gpus(const DeviceRun& run) {
  LauncherSource launchers;
  if (run.text != nullptr) launchers = training_launchers(run.plan, *run.text, run.training, cuda_library());
  const GpuRun gpu_run{run.plan, launchers, run.options};
  if (run.ranks.one_process()) {
    PIPELOOM_TRY(const DeviceRunResult result, run_on_one_gpu(gpu_run, run.options.device));
    return run.on_end(result);
  }
  const int count = run.plan.schedule.ranks() * run.plan.job.layout.data;
  return run.ranks.start(count, [&](Endpoint& endpoint) -> Status {
    PIPELOOM_TRY(const DeviceRunResult result, run_gpu_rank(gpu_run, endpoint, run.ranks.local_rank(endpoint.rank())));
    return endpoint.rank() == 0 ? run.on_end(result) : Status{};
  });
}

Result<TuneMeasurements> tune_gpu(int device, const std::function<void(const std::string&)>& on_progress) {
  PIPELOOM_TRY(const DeviceFacts facts, facts_of(device, false));
  PIPELOOM_RETURN_IF_ERROR(check_device(facts, needs_of_build(1, kTuneBytes)));
  return measure_gpu(device, on_progress);
}

}  // namespace

DeviceKind cuda_row() {
  DeviceKind row = cuda_outline();
  row.why_not_here = why_no_gpu_here;
  row.check_job = check_gpu_trainable;
  row.run = run_on_gpus;
  row.tune = tune_gpu;
  return row;
}

}  // namespace pipeloom::backend
