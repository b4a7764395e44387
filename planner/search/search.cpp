#include "planner/search/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "planner/search/bounds.h"
#include "planner/search/exact.h"
#include "planner/search/seeds.h"
#include "planner/search/strand.h"
#include "sim/report/bubble.h"
#include "sim/report/memory.h"

namespace pipeloom {

namespace {

// Independent of the number of workers, so that the result is too.
constexpr int kStrands = 2;
// Ops that a strand evaluates or schedules in one round: a few ten milliseconds, so that a budget is kept.
constexpr int64_t kWorkPerRound = 2'000'000;
// List schedules of each strand before local search begins.
constexpr int64_t kFirstLists = 400;
// Orders that annealing may start from.
constexpr size_t kElite = 6;

class Search {
 public:
  Search(const SearchProblem& problem, const SearchLimits& limits)
      : problem_(problem), limits_(limits), named_(named_orders(problem)), bound_ns_(lower_bound_ns(problem)) {
    for (int i = 0; i < kStrands; ++i) {
      strands_.push_back(std::make_unique<Strand>(problem, limits.seed * kStrands + static_cast<uint64_t>(i), i));
    }
  }

  Result<SearchResult> run() {
    add_seeds();
    for (int64_t round = 0; !finished(); ++round) {
      if (exact_in(round)) {
        run_exact(round);
      } else {
        run_round(round);
      }
      if (limits_.progress && !elite_.empty()) {
        limits_.progress({moves(), elite_.front().value_ns, bound_ns_});
      }
    }
    return result();
  }

 private:
  int64_t moves() const {
    int64_t sum = exact_moves_;
    for (const auto& strand : strands_) sum += strand->moves();
    return sum;
  }

  bool finished() const {
    if (!elite_.empty() && elite_.front().value_ns <= bound_ns_) return true;
    if (limits_.moves > 0 && moves() >= limits_.moves) return true;
    return interrupted();
  }

  bool interrupted() const {
    return (limits_.cancel != nullptr && limits_.cancel->load()) || (limits_.out_of_time && limits_.out_of_time());
  }

  void add_seeds() {
    Candidate candidate(problem_);
    for (Order& seed : seed_orders(problem_, named_)) {
      if (candidate.reset(seed)) keep({candidate.value_ns(), std::move(seed)});
    }
  }

  void keep(Found found) {
    const bool known =
        std::ranges::any_of(elite_, [&](const Found& other) { return other.value_ns == found.value_ns; });
    if (known && elite_.size() == kElite) {
      // A newer order of the same value takes the place of the old one: plateaus are walked on.
      *std::ranges::find(elite_, found.value_ns, &Found::value_ns) = std::move(found);
      return;
    }
    elite_.insert(std::ranges::upper_bound(elite_, found.value_ns, {}, &Found::value_ns), std::move(found));
    if (elite_.size() > kElite) elite_.pop_back();
  }

  // First lists, then local search; a large problem, which local search improves slowly, goes back to lists now and
  // then.
  bool lists_in(int64_t round) const {
    const int64_t first = (kFirstLists * problem_.ops() + kWorkPerRound - 1) / kWorkPerRound;
    constexpr int kLargeProblem = 50'000;
    return elite_.empty() || round < first || (problem_.ops() > kLargeProblem && round % 2 == 0);
  }

  // Small problems are asked for exactly between rounds, with ever more conflicts; with limits.exact once and for all.
  bool exact_in(int64_t round) const {
    constexpr int64_t kRoundsBefore = 6;
    constexpr int kMostOps = 600;
    if (elite_.empty() || round < kRoundsBefore || exact_done_) return false;
    const bool asked = limits_.exact || problem_.ops() <= kMostOps;
    return asked && round % kRoundsBefore == 0 && exact_can_try(problem_, elite_.front().value_ns);
  }

  void run_exact(int64_t round) {
    constexpr int64_t kConflictsPerRound = 1000;
    ExactLimits limits;
    limits.conflicts = limits_.exact ? 0 : kConflictsPerRound * round;
    limits.stop = [this] { return interrupted(); };
    ExactResult exact = solve_exactly(problem_, bound_ns_, elite_.front().value_ns, limits);
    // What a stopped solver says depends on the time that it had.
    if (exact.stopped && !limits_.exact) return;
    exact_done_ = limits_.exact;
    bound_ns_ = std::max(bound_ns_, exact.bound_ns);
    if (exact.order) keep({exact.value_ns, std::move(exact.order)});
    ++exact_moves_;
  }

  void run_round(int64_t round) {
    const bool lists = lists_in(round);
    const auto run_strand = [&](int i) {
      const int64_t work = lists ? std::min(kWorkPerRound, kFirstLists * problem_.ops()) : kWorkPerRound;
      if (lists) {
        strands_[i]->schedule_lists(work, limits_.cancel);
      } else {
        strands_[i]->anneal(work, elite_, bound_ns_, limits_.cancel);
      }
    };
    if (limits_.workers > 1) {
      std::vector<std::jthread> threads;
      for (int i = 1; i < kStrands; ++i) threads.emplace_back(run_strand, i);
      run_strand(0);
    } else {
      for (int i = 0; i < kStrands; ++i) run_strand(i);
    }
    for (const auto& strand : strands_) {
      for (Found& found : strand->take_found()) keep(std::move(found));
    }
  }

  Result<SearchResult> simulated(Schedule schedule, std::string found_by) const {
    PIPELOOM_TRY(const Timeline timeline, simulate(schedule, problem_.costs(), limits_.p2p));
    const Bubble bubble = measure_bubble(schedule, timeline);
    const int64_t value_ns = problem_.objective() == Objective::kMakespan ? bubble.makespan_ns : bubble.span_ns;
    std::vector<int64_t> peaks = peak_activations(schedule, problem_.activations());
    return SearchResult{std::move(schedule), std::move(found_by),   bubble.makespan_ns, bubble.span_ns, value_ns,
                        bound_ns_,           value_ns == bound_ns_, std::move(peaks),   moves()};
  }

  // The best of what was found and of the named schedules, all simulated.
  Result<SearchResult> result() const {
    std::optional<SearchResult> best;
    const auto consider = [&](SearchResult other) {
      if (!best || other.value_ns < best->value_ns) best = std::move(other);
    };
    if (!elite_.empty()) {
      PIPELOOM_TRY(Schedule schedule, schedule_of(problem_, *elite_.front().order));
      PIPELOOM_TRY(SearchResult found, simulated(std::move(schedule), "search"));
      consider(std::move(found));
    }
    for (const NamedOrder& named : named_) {
      if (!named.fits) continue;
      PIPELOOM_TRY(SearchResult known, simulated(named.schedule, named.name));
      consider(std::move(known));
    }
    if (!best) return unsupported("no order within the memory cap was found in this time");
    return *std::move(best);
  }

  const SearchProblem& problem_;
  const SearchLimits& limits_;
  std::vector<NamedOrder> named_;
  int64_t bound_ns_;
  std::vector<std::unique_ptr<Strand>> strands_;
  std::vector<Found> elite_;  // best first
  bool exact_done_ = false;
  int64_t exact_moves_ = 0;
};

}  // namespace

Result<SearchResult> search(const SearchProblem& problem, const SearchLimits& limits) {
  if (limits.moves <= 0 && !limits.out_of_time) return invalid("a search needs a number of moves or a time budget");
  return Search(problem, limits).run();
}

}  // namespace pipeloom
