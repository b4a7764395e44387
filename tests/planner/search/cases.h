#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/units.h"
#include "planner/search/problem.h"

namespace pipeloom::tests {

// A row of tests/data/cases/optimal.csv or large.csv as a search problem.
struct SearchCase {
  std::string name;
  planner::SearchProblem problem;
  int64_t best_ns = 0;   // the proven optimum, or the best known value
  int64_t bound_ns = 0;  // the best bound that others found; large.csv only, rounded to a tenth of a unit
};

// Rows with a proven optimum. Their pairs are of F and I, and W is a slot of its own.
std::vector<SearchCase> optimal_cases();
// Rows with at most `ranks` ranks.
std::vector<SearchCase> large_cases(int ranks);

struct UniformJob {
  PlacementKind kind = PlacementKind::kLinear;
  int ranks = 4;
  int micro_batches = 8;
  int chunks = 2;  // for looped and wave placements
  int64_t f = 1;   // times of a chunk in units of a millisecond, like those below
  int64_t i = 1;
  int64_t w = 1;
  double link = 0;
  double cap = 0;  // activations; 0: no cap
  int64_t weight_share = 1'000'000;
  double pair = 0;  // 0: pairs cost as much as their passes, and are not searched
  SlotKind pair_kind = SlotKind::kFB;
  planner::Objective objective = planner::Objective::kMakespan;
};
planner::SearchProblem uniform_problem(const UniformJob& job);

// Draws a problem from a seed: different times on every stage and caps on every rank, any placement, objective and
// weight share, even above 1.
planner::SearchProblem random_problem(uint32_t seed);

// [rank] Replays a rank's slots with one entry per activation, and returns the most that it holds.
std::vector<int64_t> replayed_peaks(const Schedule& schedule, const std::vector<ActivationSize>& sizes);

}  // namespace pipeloom::tests
