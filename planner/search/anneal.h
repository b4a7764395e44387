#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "planner/search/candidate.h"
#include "planner/search/order.h"
#include "planner/search/problem.h"
#include "planner/search/random.h"

namespace pipeloom::planner {

// Simulated annealing over swaps of neighbours on a critical path (van Laarhoven, Aarts, Lenstra, Job Shop Scheduling
// by Simulated Annealing, Operations Research 1992). Moves that change nothing are always accepted, since most optima
// lie beyond plateaus. A move is judged by the longest path through the swapped slots (Taillard, Parallel Taboo Search
// Techniques for the Job Shop Scheduling Problem, 1994), which is exact for swaps. If the costs have pairs or short
// B's, the annealer also joins and parts slots. Same seed, same result.
class Annealer {
 public:
  Annealer(const SearchProblem& problem, uint64_t seed);

  // Begins a cycle of `moves` moves at `order`. At first a move that is worse by `heat_ns` is accepted half the time;
  // at the end no worse move is. Returns false if the order deadlocks.
  bool start(const Order& order, int64_t heat_ns, int64_t moves);

  // Continues the cycle until about `work` slots were evaluated, the value is at most `good_enough_ns`, or the cycle
  // ends. Returns the number of moves made.
  int64_t run(int64_t work, int64_t good_enough_ns, const std::atomic<bool>* cancel);

  bool finished() const { return done_ >= moves_; }
  // The best order of this cycle, its start included.
  const Order& best() const { return best_; }
  int64_t best_ns() const { return best_ns_; }
  Random& random() { return random_; }

 private:
  int critical_slot();
  int64_t allowed_ns();
  bool try_swap(int slot);
  bool join(int slot);
  bool try_pair(int slot);

  Candidate candidate_;
  Random random_;
  Order best_;
  int64_t best_ns_ = 0;
  int64_t heat_ns_ = 0;
  int64_t moves_ = 0;
  int64_t done_ = 0;
  std::vector<int32_t> arcs_;
};

}  // namespace pipeloom::planner
