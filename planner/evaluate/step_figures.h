#pragma once

#include <cstdint>

#include "core/job/job.h"

namespace pipeloom::planner {

// What people compare trainings by.
struct StepFigures {
  double step_s = 0;
  double tokens_per_s_per_gpu = 0;
  double tflops_per_gpu = 0;  // of the model, with causal attention; nothing that is computed again counts
  double mfu = 0;  // share of the GPU's 16-bit peak, whatever the precision (PaLM, arXiv 2204.02311, appendix B)
};

// Returns the figures of a step that takes `step_ns` > 0. REQUIRES: the job has a model.
StepFigures step_figures(const Job& job, int64_t step_ns);

}  // namespace pipeloom::planner
