#pragma once

#include <string>
#include <vector>

#include "core/job/job.h"

namespace pipeloom::planner {

// What the backward pass computes again. `parts` belong to a job with software.
struct RecomputeChoice {
  Recompute recompute = Recompute::kNone;
  RecomputedParts parts = {};

  bool operator==(const RecomputeChoice&) const = default;
};

// Returns what is worth trying. Without software that is none, selective and full. With it: nothing, what the engine
// offers (Megatron-LM's modules one after the other, or torchtitan's operators), whole layers, and what the job has.
// REQUIRES: the job has a model.
std::vector<RecomputeChoice> recompute_choices(const Job& job);

void recompute_as(Job& job, const RecomputeChoice& choice);

// Returns "none", "selective", "full", or the modules: "mlp+mla_up_proj".
std::string recompute_text(const Job& job);

}  // namespace pipeloom::planner
