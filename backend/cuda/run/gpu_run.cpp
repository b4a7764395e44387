#include "backend/cuda/run/gpu_run.h"

namespace pipeloom {

Status check_gpu_job(const Plan& plan) {
  if (plan.job.clipping != Clipping::kNone) {
    return unsupported("clipping: runs on GPUs don't clip gradients yet; leave it out of the job, or run on CPUs");
  }
  return {};
}

}  // namespace pipeloom
