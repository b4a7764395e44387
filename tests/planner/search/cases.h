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

// Rows with a proven optimum. Pairs there are of F and I, and W is a slot of its own.
std::vector<SearchCase> optimal_cases();
// Rows of at most `ranks` ranks.
std::vector<SearchCase> large_cases(int ranks);

struct UniformJob {
  PlacementKind kind = PlacementKind::kLinear;
  int ranks = 4;
  int micro_batches = 8;
  int chunks = 2;  // looped and wave
  int64_t f = 1;   // times of a chunk in units of a millisecond, like those below
  int64_t i = 1;
  int64_t w = 1;
  double link = 0;
  double cap = 0;  // chunks; 0: none
  int64_t weight_share = 1'000'000;
  double pair = 0;  // 0: pairs cost what their passes do, and are not searched
  SlotKind pair_kind = SlotKind::kFB;
  planner::Objective objective = planner::Objective::kMakespan;
};
planner::SearchProblem uniform_problem(const UniformJob& job);

// Different times on every stage, different caps on every rank, from a seed; any placement, objective and weight share,
// shares of more than 1 too.
planner::SearchProblem random_problem(uint32_t seed);

// The most that a rank holds, by replaying its slots with one entry per activation.
std::vector<int64_t> replayed_peaks(const Schedule& schedule, const std::vector<ActivationSize>& sizes);

}  // namespace pipeloom::tests
