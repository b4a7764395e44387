#include "planner/search/contest.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "planner/search/bounds.h"
#include "planner/search/ongoing_search.h"

namespace pipeloom {

namespace {

// Numbers that don't depend on the limits: more moves go on where fewer ended.
constexpr size_t kMostSearched = 8;
constexpr int kFirstRounds = 12;
constexpr int kOneOf = 2;

class Contest {
 public:
  Contest(const std::vector<const SearchProblem*>& problems, const SearchLimits& limits)
      : limits_(limits), each_(limits) {
    each_.moves = 0;
    std::vector<std::pair<int64_t, size_t>> by_bound;
    for (size_t i = 0; i < problems.size(); ++i) by_bound.emplace_back(lower_bound_ns(*problems[i]), i);
    std::ranges::sort(by_bound);
    least_bound_ns_ = by_bound.front().first;
    by_bound.resize(std::min(by_bound.size(), kMostSearched));
    for (const auto& [bound_ns, i] : by_bound) {
      entrants_.push_back({i, std::make_unique<OngoingSearch>(*problems[i], limits.seed)});
    }
  }

  Result<ContestResult> run() {
    int rounds = kFirstRounds;
    while (entrants_.size() > 1 && run_rounds(rounds)) {
      std::ranges::stable_sort(entrants_, {}, [](const Entrant& one) { return one.search->value_ns(); });
      keep((entrants_.size() + kOneOf - 1) / kOneOf);
      rounds *= kOneOf;
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

  // What leaves takes its moves with it, but they are counted.
  void keep(size_t count) {
    for (; entrants_.size() > count; entrants_.pop_back()) moves_of_losers_ += entrants_.back().search->moves();
  }

  int64_t moves() const {
    int64_t sum = moves_of_losers_;
    for (const Entrant& one : entrants_) sum += one.search->moves();
    return sum;
  }

  bool over() const { return interrupted(limits_) || (limits_.moves > 0 && moves() >= limits_.moves); }

  // So many rounds of each that can still win. False where the limits end it, or nothing is left to do.
  bool run_rounds(int rounds) {
    bool any = false;
    for (int round = 0; round < rounds; ++round) {
      for (const Entrant& one : entrants_) {
        const int64_t best_ns = least_value_ns();
        if (one.search->finished(each_) || one.search->bound_ns() >= best_ns) continue;
        if (over()) return false;
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
  PIPELOOM_CHECK_OK(check_limits(limits));
  if (problems.size() > 1) return Contest(problems, limits).run();
  PIPELOOM_TRY(SearchResult found, search(*problems.front(), limits));
  const int64_t bound_ns = found.bound_ns;
  return ContestResult{0, std::move(found), bound_ns};
}

}  // namespace pipeloom
