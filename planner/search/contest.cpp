#include "planner/search/contest.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "planner/search/ongoing_search.h"

namespace pipeloom::planner {

namespace {

// These don't depend on the limits, so a search with more moves continues where one with fewer ended.
constexpr size_t kMaxEntrants = 8;  // problems that enter the contest
constexpr int kFirstRounds = 12;    // rounds of each problem before the first ones leave
// After each leg one problem in this many goes on, for this many times as many rounds (successive halving; Jamieson and
// Talwalkar, AISTATS 2016).
constexpr int kHalvingFactor = 2;

class Contest {
 public:
  Contest(const std::vector<const SearchProblem*>& problems, const SearchLimits& limits)
      : limits_(limits), each_(limits) {
    each_.moves = 0;
    if (limits.time_spent) each_.time_spent = [&limits] { return limits.time_spent(); };
    std::vector<Entrant> all;
    for (size_t i = 0; i < problems.size(); ++i) {
      all.push_back({i, std::make_unique<OngoingSearch>(*problems[i], limits.seed)});
    }
    std::vector<Entrant*> by_bound;
    for (Entrant& one : all) by_bound.push_back(&one);
    std::vector<Entrant*> by_value = by_bound;
    std::ranges::stable_sort(by_bound, {}, [](const Entrant* one) { return one->search->bound_ns(); });
    std::ranges::stable_sort(by_value, {}, [](const Entrant* one) { return one->search->value_ns(); });
    least_bound_ns_ = by_bound.front()->search->bound_ns();
    for (size_t place = 0; place < all.size(); ++place) {
      for (Entrant* one : {by_bound[place], by_value[place]}) {
        if (one->search && entrants_.size() < kMaxEntrants) entrants_.push_back(std::move(*one));
      }
    }
  }

  Result<ContestResult> run() {
    int rounds = kFirstRounds;
    while (entrants_.size() > 1 && run_rounds(rounds)) {
      share_policies();
      std::ranges::stable_sort(entrants_, {}, [](const Entrant& one) { return one.search->value_ns(); });
      keep((entrants_.size() + kHalvingFactor - 1) / kHalvingFactor);
      rounds *= kHalvingFactor;
    }
    while (run_rounds(1)) {
    }
    const auto best = std::ranges::min_element(entrants_, {}, [](const Entrant& e) { return e.search->value_ns(); });
    PIPELOOM_TRY(SearchResult found, best->search->result(limits_.p2p));
    found.moves = moves();
    return ContestResult{best->problem, std::move(found), least_bound_ns_};
  }

 private:
  struct Entrant {
    size_t problem = 0;
    std::unique_ptr<OngoingSearch> search;
  };

  // Lets every problem try the best policies of all: a policy that is good for one is often good for others.
  void share_policies() {
    std::vector<ListPolicy> all;
    for (const Entrant& one : entrants_) {
      const std::vector<ListPolicy> own = one.search->best_policies();
      all.insert(all.end(), own.begin(), own.end());
    }
    for (const Entrant& one : entrants_) {
      if (over()) return;
      one.search->try_policies(all);
    }
  }

  // Drops all but the first `count` problems. Their moves still count.
  void keep(size_t count) {
    for (; entrants_.size() > count; entrants_.pop_back()) moves_of_losers_ += entrants_.back().search->moves();
  }

  int64_t moves() const {
    int64_t sum = moves_of_losers_;
    for (const Entrant& one : entrants_) sum += one.search->moves();
    return sum;
  }

  bool over() const { return interrupted(limits_) || (limits_.moves > 0 && moves() >= limits_.moves); }

  // Runs so many rounds of each problem that can still win. Returns false if the limits end it, or nothing is left to
  // do.
  bool run_rounds(int rounds) {
    bool any = false;
    for (int round = 0; round < rounds; ++round) {
      for (const Entrant& one : entrants_) {
        if (over()) return false;
        const int64_t best_ns = least_value_ns();
        if (one.search->finished(each_) || one.search->bound_ns() >= best_ns) continue;
        one.search->run_round(each_);
        any = true;
        if (limits_.progress && best_ns < INT64_MAX) limits_.progress({moves(), best_ns, least_bound_ns_});
      }
    }
    return any;
  }

  int64_t least_value_ns() const {
    int64_t least_ns = INT64_MAX;
    for (const Entrant& one : entrants_) least_ns = std::min(least_ns, one.search->value_ns());
    return least_ns;
  }

  const SearchLimits& limits_;
  SearchLimits each_;
  std::vector<Entrant> entrants_;
  int64_t least_bound_ns_ = 0;
  int64_t moves_of_losers_ = 0;
};

}  // namespace

Result<ContestResult> search_any(const std::vector<const SearchProblem*>& problems, const SearchLimits& limits) {
  PIPELOOM_RETURN_IF_ERROR(check_limits(limits));
  if (problems.size() > 1) return Contest(problems, limits).run();
  PIPELOOM_TRY(SearchResult found, search(*problems.front(), limits));
  const int64_t bound_ns = found.bound_ns;
  return ContestResult{0, std::move(found), bound_ns};
}

}  // namespace pipeloom::planner
