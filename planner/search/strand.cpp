#include "planner/search/strand.h"

#include <algorithm>

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
    : problem_(problem), number_(number), random_(seed), lists_(problem), annealer_(problem, random_.next()) {
  int64_t work_ns = 0;
  for (int rank = 0; rank < problem.ranks(); ++rank) work_ns += problem.work_ns(rank);
  mean_pass_ns_ = std::max<int64_t>(1, work_ns / problem.ops());
  if (problem.ops() < kLargeProblem) return;
  coarse_ = coarse_problem(problem);
  if (!coarse_) return;
  coarse_lists_ = std::make_unique<ListScheduler>(*coarse_);
  policies_tried_ = kLargeProblem;  // none at random
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

// Random ones at first, then changes of the best: the better a policy, the likelier it is changed.
ListPolicy Strand::next_policy(const Policies& policies, int64_t tried) {
  constexpr int64_t kRandomPolicies = 150;
  if (tried < kRandomPolicies || policies.empty()) return random_policy(random_);
  const uint32_t pick = random_.below(1 + random_.below(static_cast<uint32_t>(policies.size())));
  return changed_policy(policies[pick].policy, random_);
}

// False once enough were tried.
bool Strand::try_coarse_policies(int64_t& work) {
  constexpr int64_t kCoarsePolicies = 1500;
  while (coarse_tried_ < kCoarsePolicies) {
    if (work <= 0) return true;
    const ListPolicy policy = next_policy(coarse_policies_, coarse_tried_++);
    if (const auto value_ns = coarse_lists_->run(policy)) remember(coarse_policies_, policy, *value_ns);
    work -= coarse_->ops();
    ++moves_;
  }
  return false;
}

std::optional<ListPolicy> Strand::take_coarse_policy() {
  if (coarse_policies_.empty()) return std::nullopt;
  const ListPolicy policy = coarse_policies_.front().policy;
  coarse_policies_.erase(coarse_policies_.begin());
  return policy;
}

void Strand::schedule_lists(int64_t work, const std::atomic<bool>* cancel) {
  if (coarse_ && try_coarse_policies(work)) return;
  std::optional<Order> best;
  for (; work > 0; work -= problem_.ops()) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) break;
    ++moves_;
    const std::optional<ListPolicy> from_coarse = take_coarse_policy();
    const ListPolicy policy = from_coarse ? *from_coarse : next_policy(policies_, policies_tried_);
    ++policies_tried_;
    const auto value_ns = lists_.run(policy);
    if (!value_ns) continue;
    remember(policies_, policy, *value_ns);
    if (*value_ns >= best_list_ns_) continue;
    best_list_ns_ = *value_ns;
    best = lists_.order();
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
