#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "planner/search/problem.h"
#include "planner/search/search.h"
#include "planner/search/seeds.h"
#include "planner/search/strand.h"

namespace pipeloom::planner {

// A search that can be interrupted and resumed. Same seed, same rounds: same result.
class OngoingSearch {
 public:
  // `problem` must outlive the search.
  OngoingSearch(const SearchProblem& problem, uint64_t seed);

  // Runs one round: some tens of milliseconds. REQUIRES: not finished(limits).
  void run_round(const SearchLimits& limits);
  // True if nothing more can be found, or `limits` are reached. Moves count from the start of the search.
  bool finished(const SearchLimits& limits) const;

  // best_policies() returns each strand's best policy so far. try_policies() tries policies that are good on problems
  // like this one.
  std::vector<ListPolicy> best_policies() const;
  void try_policies(const std::vector<ListPolicy>& policies);

  int64_t moves() const;
  int64_t value_ns() const { return elite_.empty() ? INT64_MAX : elite_.front().value_ns; }
  int64_t bound_ns() const { return bound_ns_; }

  // Simulates the best orders and the named schedules, and returns the shortest.
  Result<SearchResult> result(const sim::P2pRule& p2p) const;

 private:
  bool moves_done(const SearchLimits& limits) const { return limits.moves > 0 && moves() >= limits.moves; }
  bool exact_possible() const;
  void add_seeds();
  void keep(Found found);
  void keep_found();
  int64_t list_work() const;
  bool lists_in(int64_t round) const;
  bool exact_in(int64_t round, const SearchLimits& limits) const;
  void run_exact(int64_t round, const SearchLimits& limits);
  void run_strands(int64_t round, const SearchLimits& limits);
  bool shorter_in(int64_t round, const SearchLimits& limits) const;
  void run_shorter(const SearchLimits& limits);
  Result<SearchResult> simulated(Schedule schedule, std::string found_by, const sim::P2pRule& p2p) const;

  const SearchProblem& problem_;
  std::vector<NamedOrder> named_;
  int64_t bound_ns_;
  std::vector<std::unique_ptr<Strand>> strands_;
  std::vector<Found> elite_;  // best first
  // Set if there are many micro-batches: a problem with fewer, whose orders are repeated.
  std::optional<SearchProblem> shorter_problem_;
  std::unique_ptr<OngoingSearch> shorter_;
  int64_t round_ = 0;
  bool exact_done_ = false;
  int64_t exact_moves_ = 0;
};

}  // namespace pipeloom::planner
