#include "planner/search/ongoing_search.h"

#include <algorithm>
#include <thread>

#include "planner/search/bounds.h"
#include "planner/search/coarse.h"
#include "planner/search/exact.h"
#include "planner/search/repetend.h"
#include "sim/report/bubble.h"
#include "sim/report/memory.h"

namespace pipeloom::planner {

namespace {

// Does not depend on the number of workers, so the result does not either.
constexpr int kStrands = 2;
// Ops that a strand evaluates or schedules in one round: some tens of milliseconds, short enough to keep a budget.
constexpr int64_t kWorkPerRound = 2'000'000;
// List schedules that each strand tries before local search begins.
constexpr int64_t kFirstLists = 400;
// Number of orders that annealing may start from.
constexpr size_t kElite = 6;
// Problems that are too large to be solved exactly return to lists between rounds of annealing; large ones, which local
// search improves slowly, return more often. Neighbours of an order with pairs are seldom better, so annealing gets
// only one round in many.
constexpr int kMediumProblem = 2'000;
constexpr int kLargeProblem = 50'000;
constexpr int64_t kRoundsPerLists = 4;
constexpr int64_t kRoundsPerListsIfLarge = 2;
constexpr int64_t kRoundsPerAnnealingWithPairs = 64;
// The shorter problem gets the round after that of the lists.
constexpr int64_t kRoundsPerShorter = 4;
constexpr int64_t kShorterRound = 1;

}  // namespace

OngoingSearch::OngoingSearch(const SearchProblem& problem, uint64_t seed)
    : problem_(problem), named_(named_orders(problem)), bound_ns_(lower_bound_ns(problem)) {
  for (int i = 0; i < kStrands; ++i) {
    strands_.push_back(std::make_unique<Strand>(problem, seed * kStrands + static_cast<uint64_t>(i), i));
  }
  add_seeds();
  if (problem.ops() < kMediumProblem || problem.has_pairs()) return;
  shorter_problem_ = shorter_problem(problem);
  if (shorter_problem_) shorter_ = std::make_unique<OngoingSearch>(*shorter_problem_, seed);
}

void OngoingSearch::run_round(const SearchLimits& limits) {
  if (exact_in(round_, limits)) {
    run_exact(round_, limits);
  } else if (shorter_in(round_, limits)) {
    run_shorter(limits);
  } else {
    run_strands(round_, limits);
  }
  ++round_;
}

int64_t OngoingSearch::moves() const {
  int64_t sum = exact_moves_ + (shorter_ ? shorter_->moves() : 0);
  for (const auto& strand : strands_) sum += strand->moves();
  return sum;
}

bool OngoingSearch::finished(const SearchLimits& limits) const {
  if (value_ns() <= bound_ns_) return true;
  if (interrupted(limits)) return true;
  return moves_done(limits) && !(limits.exact && exact_possible());
}

bool OngoingSearch::exact_possible() const {
  return !elite_.empty() && !exact_done_ && exact_can_try(problem_, elite_.front().value_ns);
}

void OngoingSearch::add_seeds() {
  Candidate candidate(problem_);
  for (Order& seed : seed_orders(problem_, named_)) {
    if (candidate.reset(seed)) keep({candidate.value_ns(), std::move(seed)});
  }
}

void OngoingSearch::keep(Found found) {
  const bool known = std::ranges::any_of(elite_, [&](const Found& other) { return other.value_ns == found.value_ns; });
  if (known && elite_.size() == kElite) {
    // A newer order replaces one of the same value, so that the search moves along plateaus.
    *std::ranges::find(elite_, found.value_ns, &Found::value_ns) = std::move(found);
    return;
  }
  elite_.insert(std::ranges::upper_bound(elite_, found.value_ns, {}, &Found::value_ns), std::move(found));
  if (elite_.size() > kElite) elite_.pop_back();
}

// Returns the number of ops to schedule in a round of lists.
int64_t OngoingSearch::list_work() const {
  // Scheduling an op by a list takes about as long as evaluating this many.
  constexpr int64_t kEvaluationsPerListOp = 8;
  return std::min(std::max<int64_t>(kWorkPerRound / kEvaluationsPerListOp, problem_.ops()),
                  kFirstLists * problem_.ops());
}

// Lists come first, then local search. If the problem is too large to be solved exactly, lists take turns with it.
bool OngoingSearch::lists_in(int64_t round) const {
  const int64_t first = (kFirstLists * problem_.ops() + list_work() - 1) / list_work();
  if (elite_.empty() || round < first) return true;
  if (problem_.ops() <= kMediumProblem) return false;
  if (problem_.has_pairs()) return round % kRoundsPerAnnealingWithPairs != kRoundsPerAnnealingWithPairs - 1;
  return round % (problem_.ops() > kLargeProblem ? kRoundsPerListsIfLarge : kRoundsPerLists) == 0;
}

// Small problems ask the solver between rounds, with more conflicts each time; with limits.exact once, without a limit.
bool OngoingSearch::exact_in(int64_t round, const SearchLimits& limits) const {
  constexpr int64_t kRoundsBefore = 6;
  constexpr int kMaxOps = 600;
  const bool due = round >= kRoundsBefore && round % kRoundsBefore == 0;
  if (limits.exact) return (due || moves_done(limits)) && exact_possible();
  return due && problem_.ops() <= kMaxOps && exact_possible();
}

void OngoingSearch::run_exact(int64_t round, const SearchLimits& limits) {
  constexpr int64_t kConflictsPerRound = 1000;
  ExactLimits exact_limits;
  exact_limits.conflicts = limits.exact ? 0 : kConflictsPerRound * round;
  exact_limits.stop = [&] { return interrupted(limits); };
  ExactResult exact = solve_exactly(problem_, bound_ns_, elite_.front().value_ns, exact_limits);
  // The answer of a stopped solver depends on how much time it had.
  if (exact.stopped && !limits.exact) return;
  exact_done_ = limits.exact;
  bound_ns_ = std::max(bound_ns_, exact.bound_ns);
  if (exact.order) keep({exact.value_ns, std::move(exact.order)});
  ++exact_moves_;
}

void OngoingSearch::run_strands(int64_t round, const SearchLimits& limits) {
  const bool lists = lists_in(round);
  const auto run_strand = [&](int i) {
    if (lists) {
      strands_[i]->schedule_lists(list_work(), limits.cancel);
    } else {
      strands_[i]->anneal(kWorkPerRound, elite_, bound_ns_, limits.cancel);
    }
  };
  if (limits.workers > 1) {
    std::vector<std::jthread> threads;
    for (int i = 1; i < kStrands; ++i) threads.emplace_back(run_strand, i);
    run_strand(0);
  } else {
    for (int i = 0; i < kStrands; ++i) run_strand(i);
  }
  keep_found();
}

void OngoingSearch::keep_found() {
  for (const auto& strand : strands_) {
    for (Found& found : strand->take_found()) keep(std::move(found));
  }
}

std::vector<ListPolicy> OngoingSearch::best_policies() const {
  std::vector<ListPolicy> policies;
  for (const auto& strand : strands_) {
    if (const ListPolicy* best = strand->best_policy()) policies.push_back(*best);
  }
  return policies;
}

// Every strand tries all policies and goes on from the best that it knows.
void OngoingSearch::try_policies(const std::vector<ListPolicy>& policies) {
  for (const auto& strand : strands_) {
    for (const ListPolicy& policy : policies) strand->try_policy(policy);
  }
  keep_found();
}

bool OngoingSearch::shorter_in(int64_t round, const SearchLimits& limits) const {
  if (!shorter_ || round % kRoundsPerShorter != kShorterRound) return false;
  SearchLimits any = limits;
  any.moves = 0;
  return !shorter_->finished(any);
}

void OngoingSearch::run_shorter(const SearchLimits& limits) {
  const int64_t before_ns = shorter_->value_ns();
  shorter_->run_round(limits);
  if (shorter_->value_ns() == before_ns) return;
  auto order = repeated(*shorter_problem_, *shorter_->elite_.front().order, problem_);
  if (!order) return;
  Candidate candidate(problem_);
  if (candidate.reset(*order)) keep({candidate.value_ns(), std::move(order)});
}

Result<SearchResult> OngoingSearch::simulated(Schedule schedule, std::string found_by, const sim::P2pRule& p2p) const {
  PIPELOOM_TRY(const Timeline timeline, sim::simulate(schedule, problem_.costs(), p2p));
  const sim::Bubble bubble = sim::measure_bubble(schedule, timeline);
  const int64_t value_ns = problem_.objective() == Objective::kMakespan ? bubble.makespan_ns : bubble.span_ns;
  std::vector<int64_t> peaks = sim::peak_activations(schedule, problem_.activations());
  return SearchResult{std::move(schedule), std::move(found_by),   bubble.makespan_ns, bubble.span_ns, value_ns,
                      bound_ns_,           value_ns == bound_ns_, std::move(peaks),   moves()};
}

Result<SearchResult> OngoingSearch::result(const sim::P2pRule& p2p) const {
  std::optional<SearchResult> best;
  Status last;
  const auto consider = [&](Result<SearchResult> other) {
    if (!other) {
      last = tl::unexpected(std::move(other).error());
    } else if (!best || other->value_ns < best->value_ns) {
      best = *std::move(other);
    }
  };
  // Another P2P rule than the search's own can change which order is best, and some orders may not run at all.
  for (const Found& found : elite_) {
    PIPELOOM_TRY(Schedule schedule, schedule_of(problem_, *found.order));
    consider(simulated(std::move(schedule), "search", p2p));
  }
  for (const NamedOrder& named : named_) {
    if (named.fits) consider(simulated(named.schedule, named.name, p2p));
  }
  if (!best && !last) return tl::unexpected(std::move(last).error());
  if (!best) return unsupported("no order within the memory cap was found in this time");
  return *std::move(best);
}

}  // namespace pipeloom::planner
