#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// Makes the placement of this kind for a job: its ranks, chunks (2 if the job does not say), waves and pipes.
Result<Placement> placement_for(const Job& job, PlacementKind kind);

// Returns the pipe of each micro-batch. Pipe 0 takes the first ones; all pipes take equally many, but the first pipes
// one more if the division leaves a rest.
std::vector<uint16_t> pipes_for(const Placement& placement, int micro_batches);

// A job on a placement, ready for the search.
struct JobProblem {
  StepCosts costs;
  SearchProblem problem;
};
// Makes at least one problem; for a job with a model, one for each partition of its layers that is worth trying. `caps`
// are in millionths of an activation: one for all ranks, one per rank, or empty for none. A job with a model takes
// none: its caps are what the GPU leaves beside weights, buffers and reserve.
Result<std::vector<JobProblem>> problems_of(const Job& job, PlacementKind kind, std::vector<int64_t> caps,
                                            Objective objective);

}  // namespace pipeloom::planner
