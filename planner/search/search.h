#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/schedule/schedule.h"
#include "planner/search/problem.h"
#include "sim/engine/simulate.h"

namespace pipeloom::planner {

struct SearchProgress {
  int64_t moves = 0;
  int64_t value_ns = 0;  // of the best order so far
  int64_t bound_ns = 0;
};

// When a search ends: at the bound, or at the first of these. They are looked at between rounds, so what is found
// depends only on the seed and on how many rounds were done: `moves` of a result, given as `moves` here, leads to the
// same plan.
// At least one of moves and time_spent must be given.
struct SearchLimits {
  int64_t moves = 0;                   // at least so many, then the round ends; 0: no limit
  std::function<double()> time_spent;  // the share of the time that is over; it ends at 1. Empty: never ends
  const std::atomic<bool>* cancel = nullptr;
  uint64_t seed = 1;
  int workers = 2;                                      // threads; the result is the same for any number
  std::function<void(const SearchProgress&)> progress;  // called between rounds; may be empty
  bool exact = false;                                   // prove optimality where the problem is small enough
  sim::P2pRule p2p = {P2pMode::kAsync, 0};              // for the simulation of the result
};

struct SearchResult {
  Schedule schedule;
  std::string found_by;        // "search", "exact", or the named schedule that nothing beats
  int64_t makespan_ns = 0;     // simulated
  int64_t span_ns = 0;         // simulated
  int64_t value_ns = 0;        // the one of the two that is the objective
  int64_t bound_ns = 0;        // no schedule of this placement and memory is shorter
  bool proven = false;         // value_ns == bound_ns
  std::vector<int64_t> peaks;  // [rank] memory account of the simulator's report
  int64_t moves = 0;
};

// Fails where the limits have no end.
Status check_limits(const SearchLimits& limits);
// Cancelled, or out of time.
bool interrupted(const SearchLimits& limits);

// Searches an order for `problem`: the named schedules of its placement and list schedules as seeds, then local search.
// Never worse than a named schedule that fits the caps. Fails where no order within the caps was found.
Result<SearchResult> search(const SearchProblem& problem, const SearchLimits& limits);

}  // namespace pipeloom::planner
