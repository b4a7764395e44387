#pragma once

#include <cstdint>
#include <vector>

#include "core/job.h"
#include "core/result.h"
#include "core/step_costs.h"
#include "planner/search/problem.h"

namespace pipeloom {

// The placement of this kind for a job: its ranks, chunks (2 where it does not say), waves and pipes.
Result<Placement> placement_for(const Job& job, PlacementKind kind);

// Where the micro-batches go: pipe 0 takes the first ones, each pipe equally many (the first ones one more).
std::vector<uint16_t> pipes_for(const Placement& placement, int micro_batches);

// A job on a placement, ready for the search. `caps`, in millionths of a chunk, are one for all ranks or one per rank;
// empty: none. A job with a model needs none: its caps are what the GPU leaves beside weights, buffers and reserve.
struct JobProblem {
  StepCosts costs;
  SearchProblem problem;
};
Result<JobProblem> problem_of(const Job& job, PlacementKind kind, std::vector<int64_t> caps, Objective objective);

}  // namespace pipeloom
