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
  int64_t value_ns = 0;  // value of the best order so far
  int64_t bound_ns = 0;
};

// When a search ends: at the bound, or at the first of these limits. Limits are checked between rounds, so the result
// depends only on the seed and the number of rounds: the `moves` of a result, given as a limit, lead to the same plan.
// At least one of `moves` and `time_spent` must be given.
struct SearchLimits {
  int64_t moves = 0;                   // the search ends with the round that reaches this; 0: no limit
  std::function<double()> time_spent;  // the share of the time that is over; the search ends at 1. Empty: never
  const std::atomic<bool>* cancel = nullptr;
  uint64_t seed = 1;
  int workers = 2;                                      // threads; the result is the same for any number
  std::function<void(const SearchProgress&)> progress;  // called between rounds; may be empty
  bool exact = false;                                   // prove optimality if the problem is small enough
  sim::P2pRule p2p = {P2pMode::kAsync, 0};              // for simulating the result
};

struct SearchResult {
  Schedule schedule;
  std::string found_by;        // "search", or the named schedule that nothing beats
  int64_t makespan_ns = 0;     // simulated
  int64_t span_ns = 0;         // simulated
  int64_t value_ns = 0;        // the objective: makespan_ns or span_ns
  int64_t bound_ns = 0;        // no schedule of this placement and memory is shorter
  bool proven = false;         // value_ns == bound_ns
  std::vector<int64_t> peaks;  // [rank] peak memory, as the simulator's report counts it
  int64_t moves = 0;
};

// Fails if the limits have no end.
Status check_limits(const SearchLimits& limits);
// True if the search was cancelled or is out of time.
bool interrupted(const SearchLimits& limits);

// Searches an order for `problem`: named schedules of its placement and list schedules as seeds, then local search. The
// result is never worse than a named schedule that fits the caps. Fails if no order within the caps was found.
Result<SearchResult> search(const SearchProblem& problem, const SearchLimits& limits);

}  // namespace pipeloom::planner
