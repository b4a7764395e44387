#pragma once

#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::backend {

// Whether the GPU backend has the maths for the job, beyond check_trainable: errors name the field that it can't run.
Status check_gpu_trainable(const Job& job);

}  // namespace pipeloom::backend
