#include "planner/search/policy_search.h"

#include <algorithm>

#include "planner/search/coarse.h"

namespace pipeloom::planner {

namespace {

// Large problems try policies on a coarse problem first. Large problems, and medium ones with pairs, also try them on a
// shorter problem.
constexpr int kLargeProblem = 50'000;
constexpr int kMediumProblem = 4'000;
constexpr int64_t kCoarsePolicies = 1500;  // tried on the coarse problem before the next level
constexpr int64_t kShorterPolicies = 600;  // tried on the shorter problem before the next level, unless policies are
                                           // walked
constexpr int64_t kRandomPolicies = 150;   // random policies before changes of good ones
constexpr size_t kKept = 20;               // policies that a level remembers ...
constexpr int kKeptOfOneValue = 3;         // ... and how many of one value

}  // namespace

PolicySearch::PolicySearch(const SearchProblem& problem, uint64_t seed, int number)
    : problem_(problem), random_(seed), walks_(problem.has_pairs() || (number == 1 && problem.ops() < kLargeProblem)) {
  const bool large = problem.ops() >= kLargeProblem;
  if (auto coarse = large ? coarse_problem(problem) : std::nullopt) {
    add_level(std::make_unique<SearchProblem>(*std::move(coarse)), kCoarsePolicies);
  }
  const bool shorten = large || (problem.has_pairs() && problem.ops() >= kMediumProblem);
  if (auto shorter = shorten ? shorter_problem(problem) : std::nullopt) {
    add_level(std::make_unique<SearchProblem>(*std::move(shorter)), walks_ ? PolicyWalk::kSteps : kShorterPolicies);
  }
  add_level(nullptr, walks_ ? PolicyWalk::kSteps + kKept : INT64_MAX);
}

// Adds a level for `own`, or for the problem itself if `own` is null.
void PolicySearch::add_level(std::unique_ptr<SearchProblem> own, int64_t enough) {
  Level& level = levels_.emplace_back();
  level.own = std::move(own);
  level.problem = level.own ? level.own.get() : &problem_;
  level.lists = std::make_unique<ListScheduler>(*level.problem);
  level.enough = enough;
}

// Begins all levels again, with other policies.
void PolicySearch::begin_pass() {
  for (Level& level : levels_) {
    level.policies.clear();
    level.walk = {};
    level.tried = 0;
    level.best_ns = INT64_MAX;
  }
  level_ = 0;
}

void PolicySearch::run(int64_t work, const std::atomic<bool>* cancel) {
  const int64_t last_work = work_ + work;
  while (work_ < last_work && !(cancel != nullptr && cancel->load(std::memory_order_relaxed))) {
    while (level_ < levels_.size() && levels_[level_].tried >= levels_[level_].enough) ++level_;
    if (level_ == levels_.size()) begin_pass();
    try_next(level_);
  }
}

// Tries what was good on the level before; then the next step of a walk, or a change of a good policy.
void PolicySearch::try_next(size_t number) {
  Level& level = levels_[number];
  ++level.tried;
  if (number > 0 && !levels_[number - 1].policies.empty()) {
    Policies& before = levels_[number - 1].policies;
    const ListPolicy policy = before.front().policy;
    before.erase(before.begin());
    try_on(number, policy);
    return;
  }
  if (!walks_) {
    try_on(number, changed_good_one(level));
    return;
  }
  const bool known = number > 0 && !level.policies.empty();
  const ListPolicy policy = level.walk.next(problem_, known ? &level.policies.front().policy : nullptr, random_);
  if (const auto value_ns = try_on(number, policy)) level.walk.reached(policy, *value_ns, random_);
}

// Returns a random policy at first; later a change of a good policy. The better a policy, the likelier it is chosen.
ListPolicy PolicySearch::changed_good_one(const Level& level) {
  const bool first = &level == &levels_.front() && level.tried <= kRandomPolicies;
  if (first || level.policies.empty()) return random_policy(problem_, random_);
  const uint32_t pick = random_.below(1 + random_.below(static_cast<uint32_t>(level.policies.size())));
  return changed_policy(problem_, level.policies[pick].policy, random_);
}

// Tries a policy on a level. A policy that is the best of its level so far is tried on the next level at once.
std::optional<int64_t> PolicySearch::try_on(size_t number, const ListPolicy& policy) {
  Level& level = levels_[number];
  ++moves_;
  work_ += level.problem->ops();
  const auto value_ns = level.lists->run(policy);
  if (!value_ns) return value_ns;
  remember(level.policies, policy, *value_ns);
  if (*value_ns >= level.best_ns) return value_ns;
  level.best_ns = *value_ns;
  if (number + 1 < levels_.size()) {
    try_on(number + 1, policy);
  } else if (*value_ns < best_ns_) {
    best_ns_ = *value_ns;
    best_policy_ = policy;
    found_ = {best_ns_, level.lists->order()};
  }
  return value_ns;
}

void PolicySearch::remember(Policies& policies, const ListPolicy& policy, int64_t value_ns) {
  if (policies.size() == kKept && value_ns >= policies.back().value_ns) return;
  if (std::ranges::count(policies, value_ns, &Tried::value_ns) >= kKeptOfOneValue) return;
  if (std::ranges::any_of(policies, [&](const Tried& tried) { return tried.policy == policy; })) return;
  policies.insert(std::ranges::upper_bound(policies, value_ns, {}, &Tried::value_ns), {value_ns, policy});
  if (policies.size() > kKept) policies.pop_back();
}

}  // namespace pipeloom::planner
