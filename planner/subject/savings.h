#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/subject/subject.h"

namespace pipeloom::planner {

// What one option of a job saves: how much more the same step takes without it (negative: less).
struct Saving {
  std::string option;      // "cached activations in FP8"
  int64_t peak_bytes = 0;  // on the fullest rank
  int64_t step_ns = 0;
};

// Turns off each option of precision, recomputation and software that the subject's job uses, one at a time, with the
// subject's schedule. Components of overlapped pairs run in the usual order with the option and without it, whatever
// order a plan chose. Options without which the schedule can't run are left out. REQUIRES: the job has a model.
Result<std::vector<Saving>> option_savings(const Subject& subject);

}  // namespace pipeloom::planner
