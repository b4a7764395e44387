#include "backend/cuda/run/gpu_run.h"

namespace pipeloom {

Status check_gpu_job(const Plan& plan) {
  if (plan.job.clipping == Clipping::kValidated) {
    return unsupported("clipping is VALIDATED; runs on GPUs don't undo an optimizer: use GLOBAL, or run on CPUs");
  }
  return {};
}

}  // namespace pipeloom
