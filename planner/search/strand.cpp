#include "planner/search/strand.h"

#include <algorithm>

#include "planner/search/coarse.h"

namespace pipeloom {

namespace {

// Small problems have steep landscapes: their optimum differs from the seeds by whole passes.
constexpr int kSmallProblem = 1000;
// Large ones try policies on a coarse problem first.
constexpr int kLargeProblem = 50'000;
// Heats of the cycles in turn, in percent of a mean pass.
constexpr int kSmallHeats[] = {25, 50, 75, 10, 100, 0, 35};
constexpr int kLargeHeats[] = {6, 10, 5, 8, 20, 4, 12};

int64_t moves_of_cycle(int ops, int cycle) {
  const int64_t first = std::clamp<int64_t>(int64_t{60} * ops, 30'000, 400'000);
  return first * (4 + std::min(cycle, 16)) / 4;
}

}  // namespace

Strand::Strand(const SearchProblem& problem, uint64_t seed, int number)
    : problem_(problem), number_(number), random_(seed), annealer_(problem, random_.next()) {
  int64_t work_ns = 0;
  for (int rank = 0; rank < problem.ranks(); ++rank) work_ns += problem.work_ns(rank);
  mean_pass_ns_ = std::max<int64_t>(1, work_ns / problem.ops());
  constexpr int64_t kCoarsePolicies = 1500;
  constexpr int64_t kShorterPolicies = 600;
  if (problem.ops() >= kLargeProblem) {
    if (auto coarse = coarse_problem(problem)) {
      add_level(std::make_unique<SearchProblem>(*std::move(coarse)), kCoarsePolicies);
    }
    if (auto shorter = shorter_problem(problem)) {
      add_level(std::make_unique<SearchProblem>(*std::move(shorter)), kShorterPolicies);
    }
  }
  add_level(nullptr, INT64_MAX);
}

// The problem itself where there is no own one.
void Strand::add_level(std::unique_ptr<SearchProblem> own, int64_t enough) {
  Level& level = levels_.emplace_back();
  level.own = std::move(own);
  level.problem = level.own ? level.own.get() : &problem_;
  level.lists = std::make_unique<ListScheduler>(*level.problem);
  level.enough = enough;
}

std::vector<Found> Strand::take_found() {
  return std::exchange(found_, {});
}

void Strand::remember(Policies& policies, const ListPolicy& policy, int64_t value_ns) {
  constexpr size_t kKept = 20;
  constexpr int kKeptOfOneValue = 3;
  if (policies.size() == kKept && value_ns >= policies.back().value_ns) return;
  if (std::ranges::count(policies, value_ns, &Tried::value_ns) >= kKeptOfOneValue) return;
  if (std::ranges::any_of(policies, [&](const Tried& tried) { return tried.policy == policy; })) return;
  policies.insert(std::ranges::upper_bound(policies, value_ns, {}, &Tried::value_ns), {value_ns, policy});
  if (policies.size() > kKept) policies.pop_back();
}

// What was good on the level before; on the first one random ones. Then changes of the best: the better a policy, the
// likelier it is changed.
ListPolicy Strand::next_policy(size_t number) {
  constexpr int64_t kRandomPolicies = 150;
  Level& level = levels_[number];
  const int64_t tried = level.tried++;
  if (number > 0 && !levels_[number - 1].policies.empty()) {
    Policies& before = levels_[number - 1].policies;
    const ListPolicy policy = before.front().policy;
    before.erase(before.begin());
    return policy;
  }
  const bool first = number == 0 && tried < kRandomPolicies;
  if (first || level.policies.empty()) return random_policy(problem_, random_);
  const uint32_t pick = random_.below(1 + random_.below(static_cast<uint32_t>(level.policies.size())));
  return changed_policy(problem_, level.policies[pick].policy, random_);
}

void Strand::schedule_lists(int64_t work, const std::atomic<bool>* cancel) {
  std::optional<Order> best;
  size_t number = 0;
  while (work > 0 && !(cancel != nullptr && cancel->load(std::memory_order_relaxed))) {
    while (levels_[number].tried >= levels_[number].enough) ++number;
    Level& level = levels_[number];
    ++moves_;
    work -= level.problem->ops();
    const ListPolicy policy = next_policy(number);
    const auto value_ns = level.lists->run(policy);
    if (!value_ns) continue;
    remember(level.policies, policy, *value_ns);
    if (number + 1 < levels_.size() || *value_ns >= best_list_ns_) continue;
    best_list_ns_ = *value_ns;
    best = level.lists->order();
  }
  if (best) found_.push_back({best_list_ns_, std::move(best)});
}

void Strand::begin_cycle(const std::vector<Found>& elite) {
  // Strands and cycles differ in heat and in where they start; the best order is the start of most.
  const size_t turn = static_cast<size_t>(cycle_) + static_cast<size_t>(number_) * 3;
  const bool small = problem_.ops() < kSmallProblem;
  const int heat = small ? kSmallHeats[turn % std::size(kSmallHeats)] : kLargeHeats[turn % std::size(kLargeHeats)];
  const bool from_best = (cycle_ + number_) % 3 != 2;
  const size_t start = from_best ? 0 : random_.below(static_cast<uint32_t>(elite.size()));
  annealer_.start(*elite[start].order, mean_pass_ns_ * heat / 100, moves_of_cycle(problem_.ops(), cycle_));
  reported_ns_ = annealer_.best_ns();
  ++cycle_;
}

void Strand::anneal(int64_t work, const std::vector<Found>& elite, int64_t good_enough_ns,
                    const std::atomic<bool>* cancel) {
  if (annealer_.finished()) begin_cycle(elite);
  moves_ += annealer_.run(work, good_enough_ns, cancel);
  if (annealer_.best_ns() < reported_ns_ || annealer_.finished()) {
    reported_ns_ = annealer_.best_ns();
    found_.push_back({annealer_.best_ns(), annealer_.best()});
  }
}

}  // namespace pipeloom
