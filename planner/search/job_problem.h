#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// The placement of this kind for a job: its ranks, chunks (2 where it does not say), waves and pipes.
Result<Placement> placement_for(const Job& job, PlacementKind kind);

// Where the micro-batches go: pipe 0 takes the first ones, each pipe equally many (the first ones one more).
std::vector<uint16_t> pipes_for(const Placement& placement, int micro_batches);

// A job on a placement, ready for the search; for a job with a model one for each partition of its layers that is worth
// trying, at least one. `caps`, in millionths of an activation, are one for all ranks or one per rank;
// empty: none. A job with a model needs none: its caps are what the GPU leaves beside weights, buffers and reserve.
struct JobProblem {
  StepCosts costs;
  SearchProblem problem;
};
Result<std::vector<JobProblem>> problems_of(const Job& job, PlacementKind kind, std::vector<int64_t> caps,
                                            Objective objective);

}  // namespace pipeloom::planner
