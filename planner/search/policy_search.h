#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "planner/search/list_scheduler.h"
#include "planner/search/order.h"
#include "planner/search/policy_walk.h"
#include "planner/search/problem.h"
#include "planner/search/random.h"

namespace pipeloom::planner {

// An order and its value.
struct Found {
  int64_t value_ns = INT64_MAX;
  std::optional<Order> order;
};

// Looks for a good list policy. It changes the best policies so far, or walks from policy to policy. Walks are better
// for pairs, for which very different policies can be good; otherwise the second strand walks, if the problem is not
// large. Larger problems first try policies on smaller problems of their kind (planner/search/coarse.h), which takes a
// fraction of the time. Each level hands its best policies to the next; after the last level the search begins anew.
class PolicySearch {
 public:
  // Searches with different numbers look in different ways.
  PolicySearch(const SearchProblem& problem, uint64_t seed, int number);

  // Tries policies until about `work` ops were scheduled.
  void run(int64_t work, const std::atomic<bool>* cancel);

  // Tries a policy that is good on a problem like this one.
  void try_policy(const ListPolicy& policy) { try_on(levels_.size() - 1, policy); }

  int64_t moves() const { return moves_; }  // policies tried
  // Returns the best order of all if it is new since the last call.
  std::optional<Found> take_best() { return std::exchange(found_, std::nullopt); }
  // Returns the best policy, or nullptr if none has scheduled all ops yet.
  const ListPolicy* best_policy() const { return best_ns_ < INT64_MAX ? &best_policy_ : nullptr; }

 private:
  struct Tried {
    int64_t value_ns = 0;
    ListPolicy policy;
  };
  // Policies by value, best first; only a few with the same value.
  using Policies = std::vector<Tried>;
  // A problem on which policies are tried; the last one is the problem itself.
  struct Level {
    std::unique_ptr<SearchProblem> own;  // set on all levels but the last
    const SearchProblem* problem = nullptr;
    std::unique_ptr<ListScheduler> lists;
    int64_t enough = 0;  // policies to try before the next level has its turn
    // State of one pass over the levels.
    Policies policies;
    PolicyWalk walk;
    int64_t tried = 0;
    int64_t best_ns = INT64_MAX;
  };

  void add_level(std::unique_ptr<SearchProblem> own, int64_t enough);
  void begin_pass();
  void try_next(size_t number);
  ListPolicy changed_good_one(const Level& level);
  std::optional<int64_t> try_on(size_t number, const ListPolicy& policy);
  static void remember(Policies& policies, const ListPolicy& policy, int64_t value_ns);

  const SearchProblem& problem_;
  Random random_;
  bool walks_;
  std::vector<Level> levels_;
  size_t level_ = 0;
  int64_t moves_ = 0;
  int64_t work_ = 0;  // ops scheduled
  int64_t best_ns_ = INT64_MAX;
  ListPolicy best_policy_;  // reached best_ns_
  std::optional<Found> found_;
};

}  // namespace pipeloom::planner
