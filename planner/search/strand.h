#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "planner/search/anneal.h"
#include "planner/search/policy_search.h"

namespace pipeloom::planner {

// One of the independent walks of a search, with its own random numbers, policies and annealing. Strands exchange
// orders only between rounds, so the result does not depend on which thread runs them.
class Strand {
 public:
  Strand(const SearchProblem& problem, uint64_t seed, int number);

  // Tries policies until about `work` ops were scheduled. Each policy tried is a move.
  void schedule_lists(int64_t work, const std::atomic<bool>* cancel);
  // Tries a policy that is good on a problem like this one.
  void try_policy(const ListPolicy& policy) { policies_.try_policy(policy); }
  const ListPolicy* best_policy() const { return policies_.best_policy(); }
  // Continues annealing, or begins a cycle at an order of `elite` (best first, not empty).
  void anneal(int64_t work, const std::vector<Found>& elite, int64_t good_enough_ns, const std::atomic<bool>* cancel);

  int64_t moves() const { return policies_.moves() + moves_; }
  // Returns the best orders found since the last call.
  std::vector<Found> take_found();

 private:
  void begin_cycle(const std::vector<Found>& elite);

  const SearchProblem& problem_;
  int number_;
  Random random_;
  PolicySearch policies_;
  Annealer annealer_;
  std::vector<Found> found_;         // found by annealing
  int64_t reported_ns_ = INT64_MAX;  // best value of this cycle that was handed over
  int64_t mean_pass_ns_ = 0;
  int cycle_ = 0;
  int64_t moves_ = 0;  // moves of annealing
};

}  // namespace pipeloom::planner
