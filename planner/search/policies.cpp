#include "planner/search/policies.h"

#include <algorithm>
#include <iterator>

namespace pipeloom::planner {

namespace {

// Ranges that held the best policies of many problems, with room on both sides.
constexpr int kMinInFlight = 40;
constexpr int kMaxInFlight = 340;
constexpr int kMaxInFlightWithMemory = 600;  // used half the time
constexpr int kMaxExtra = 7;
constexpr int kMaxGap = 130;
constexpr int kNoHold = 100;
constexpr int kMaxPending = 40;
constexpr int kNoPendingLimit = 1 << 20;
constexpr int kMaxAlone = 24;
constexpr int kMaxHeld = 8;  // micro-batches

int between(Random& random, int least, int most) {
  return least + static_cast<int>(random.below(static_cast<uint32_t>(most - least + 1)));
}

template <typename Enum>
Enum any_of(Random& random, int values) {
  return static_cast<Enum>(random.below(static_cast<uint32_t>(values)));
}

// Picks one of the plain leads half of the time, else any small lead.
int any_lead(Random& random) {
  constexpr int kMaxLead = 12;
  constexpr int kPlain[] = {RankRules::kAlways, -RankRules::kAlways, 0};
  const int pick = between(random, 0, 5);
  return pick < 3 ? kPlain[pick] : between(random, -kMaxLead, kMaxLead);
}

int in_flight(Random& random) {
  return between(random, kMinInFlight, between(random, 0, 1) == 0 ? kMaxInFlight : kMaxInFlightWithMemory);
}

bool several_chunks(const SearchProblem& problem) {
  return problem.placement().chunks_per_rank() > 1;
}

void hold_forwards(RankRules& rules, Random& random) {
  constexpr int kPercents[] = {0, 25, 50, 75, 90};
  rules.hold_forward_percent = kPercents[between(random, 0, int{std::size(kPercents)} - 1)];
  rules.hold_forwards = between(random, 0, kMaxHeld);
}

// Changes a rule that says what runs as a pair or as a whole B.
void change_joining(RankRules& rules, Random& random) {
  switch (between(random, 0, 5)) {
    case 0:
      rules.pairs = !rules.pairs;
      break;
    case 1:
      rules.alone_backwards = between(random, 0, kMaxAlone);
      break;
    case 2:
      rules.wait_percent = between(random, 0, 120);
      break;
    case 3:
      rules.alone_forwards = between(random, 0, kMaxAlone);
      break;
    case 4:
      rules.split_first = between(random, 0, kMaxAlone);
      break;
    default:
      rules.split_last = between(random, 0, kMaxAlone);
      break;
  }
}

void change_choice(const SearchProblem& problem, RankRules& rules, Random& random) {
  const auto chunk = static_cast<size_t>(between(random, 0, RankRules::kChunks - 1));
  switch (between(random, 0, several_chunks(problem) ? 8 : 7)) {
    case 0:
      rules.turn = any_of<RankRules::Turn>(random, RankRules::kTurns);
      break;
    case 1:
      rules.forward_lead = any_lead(random);
      break;
    case 2:
      rules.backward_lead = any_lead(random);
      break;
    case 3:
      rules.in_flight_percent[chunk % 2] = in_flight(random);
      break;
    case 4:
      rules.in_flight_extra[chunk] = between(random, -1, kMaxExtra);
      break;
    case 5:
      rules.hold_percent = between(random, 0, 1) == 0 ? kNoHold : between(random, 0, kNoHold);
      break;
    case 6:
      rules.gap_percent = between(random, 0, kMaxGap);
      break;
    case 8:
      hold_forwards(rules, random);
      break;
    default:
      rules.pending_limit = between(random, 0, 1) == 0 ? kNoPendingLimit : between(random, 0, kMaxPending);
      break;
  }
}

}  // namespace

ListPolicy random_policy(const SearchProblem& problem, Random& random) {
  RankRules rules;
  rules.turn = any_of<RankRules::Turn>(random, RankRules::kTurns);
  rules.forward_lead = any_lead(random);
  rules.backward_lead = any_lead(random);
  rules.in_flight_percent.fill(in_flight(random));
  rules.in_flight_extra.fill(between(random, 0, kMaxExtra - 1));
  rules.gap_percent = between(random, 0, 4) * 25;
  if (between(random, 0, 1) == 0) rules.hold_percent = between(random, 0, 3) * 25;
  if (several_chunks(problem) && between(random, 0, 1) == 0) hold_forwards(rules, random);
  if (problem.has_pairs()) {
    rules.pairs = between(random, 0, 3) > 0;
    rules.alone_backwards = between(random, 0, kMaxAlone);
    if (between(random, 0, 1) == 0) rules.alone_forwards = between(random, 0, kMaxAlone);
    rules.wait_percent = between(random, 0, 4) * 25;
  }
  if (problem.has_short_backwards()) {
    rules.split_first = between(random, 0, kMaxAlone);
    rules.split_last = between(random, 0, kMaxAlone);
  }
  return {{rules, rules}};
}

ListPolicy changed_policy(const SearchProblem& problem, const ListPolicy& policy, Random& random) {
  constexpr int kMaxChanges = 3;
  const bool joins = problem.has_pairs() || problem.has_short_backwards();
  const bool two_kinds = std::ranges::count(heavy_ranks(problem), 1) > 0;
  ListPolicy changed = policy;
  for (int left = between(random, 1, kMaxChanges); left > 0; --left) {
    const auto kind = static_cast<size_t>(two_kinds ? between(random, 0, 1) : 0);
    RankRules& rules = changed.rules[kind];
    if (joins && between(random, 0, 1) == 0) {
      change_joining(rules, random);
    } else {
      change_choice(problem, rules, random);
    }
  }
  return changed;
}

}  // namespace pipeloom::planner
