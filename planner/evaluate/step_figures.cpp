#include "planner/evaluate/step_figures.h"

#include "sim/cost/job_costs.h"

namespace pipeloom::planner {

StepFigures step_figures(const Job& job, int64_t step_ns) {
  StepFigures figures;
  figures.step_s = static_cast<double>(step_ns) / 1e9;
  const double tokens = static_cast<double>(job.batch.sequence_length) * static_cast<double>(job.batch.global_batch);
  figures.tokens_per_s_per_gpu = tokens / figures.step_s / job.cluster->gpus();
  const double flops_per_s = static_cast<double>(sim::reported_flops_per_step(job)) / figures.step_s;
  figures.tflops_per_gpu = flops_per_s / 1e12;
  figures.mfu = flops_per_s / job.cluster->gpu.bf16_flops;
  return figures;
}

}  // namespace pipeloom::planner
