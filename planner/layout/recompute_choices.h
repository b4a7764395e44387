#pragma once

#include <string>
#include <vector>

#include "core/job/job.h"

namespace pipeloom::planner {

// What the backward pass computes again. `parts` belong to a job with software.
struct RecomputeChoice {
  Recompute recompute = Recompute::kNone;
  RecomputedParts parts = {};
};

// Returns what is worth trying, least work first. Without software these are none, selective and full. With it they are
// what the engine offers: Megatron-LM's modules in every combination, without those that the model lacks; torchtitan's
// operators; nothing or whole layers. REQUIRES: the job has a model.
std::vector<RecomputeChoice> recompute_choices(const Job& job);

void recompute_as(Job& job, const RecomputeChoice& choice);

// Returns "none", "selective", "full", or the modules: "mlp+mla_up_proj".
std::string recompute_text(const Job& job);

}  // namespace pipeloom::planner
