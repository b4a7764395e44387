#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "planner/search/anneal.h"
#include "planner/search/list_scheduler.h"
#include "planner/search/policies.h"

namespace pipeloom {

// An order and its value.
struct Found {
  int64_t value_ns = INT64_MAX;
  std::optional<Order> order;
};

// One of the independent lines of a search: its own random numbers, list scheduler and annealing. Strands meet only
// between rounds, so it does not matter on which thread they run.
class Strand {
 public:
  Strand(const SearchProblem& problem, uint64_t seed, int number);

  // Tries policies until about `work` ops were scheduled; moves are policies tried.
  void schedule_lists(int64_t work, const std::atomic<bool>* cancel);
  // Goes on annealing, or begins a cycle at an order of `elite` (best first, not empty).
  void anneal(int64_t work, const std::vector<Found>& elite, int64_t good_enough_ns, const std::atomic<bool>* cancel);

  int64_t moves() const { return moves_; }
  // The best orders since the last call.
  std::vector<Found> take_found();

 private:
  struct Tried {
    int64_t value_ns = 0;
    ListPolicy policy;
  };

  // Policies by value, best first; few of one value.
  using Policies = std::vector<Tried>;
  // A problem on which policies are tried; the last one is the problem itself. Good ones go on to the next.
  struct Level {
    std::unique_ptr<SearchProblem> own;  // of the levels before the last
    const SearchProblem* problem = nullptr;
    std::unique_ptr<ListScheduler> lists;
    Policies policies;
    int64_t tried = 0;
    int64_t enough = 0;  // policies, then the next level has its turn
  };
  void add_level(std::unique_ptr<SearchProblem> own, int64_t enough);
  static void remember(Policies& policies, const ListPolicy& policy, int64_t value_ns);
  ListPolicy next_policy(size_t level);
  void begin_cycle(const std::vector<Found>& elite);

  const SearchProblem& problem_;
  int number_;
  Random random_;
  Annealer annealer_;
  std::vector<Level> levels_;
  std::vector<Found> found_;
  int64_t best_list_ns_ = INT64_MAX;
  int64_t reported_ns_ = INT64_MAX;  // of this cycle
  int64_t mean_pass_ns_ = 0;
  int cycle_ = 0;
  int64_t moves_ = 0;
};

}  // namespace pipeloom
