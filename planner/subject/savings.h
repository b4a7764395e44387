#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/subject/subject.h"

namespace pipeloom::planner {

// What one option of a job saves: the same step without it takes more (or less).
struct Saving {
  std::string option;      // "cached activations in FP8"
  int64_t peak_bytes = 0;  // of the fullest rank
  int64_t step_ns = 0;
};

// Each option of precision and recomputation that the subject's job uses, turned off alone, with the subject's
// schedule. REQUIRES: the job has a model.
Result<std::vector<Saving>> option_savings(const Subject& subject);

}  // namespace pipeloom::planner
