#include "planner/search/policies.h"

#include <iterator>

namespace pipeloom {

namespace {

// Ranges in which the best policies of many problems lay, with room on both sides.
constexpr int kLeastInFlight = 40;
constexpr int kMostInFlight = 340;
constexpr int kFarInFlight = 600;  // with much memory
constexpr int kMostExtra = 7;
constexpr int kMostGap = 130;
constexpr int kNoHold = 100;
constexpr int kMostPending = 40;
constexpr int kNoPendingLimit = 1 << 20;
constexpr int kMostAlone = 24;
constexpr int kMostHeld = 8;  // micro-batches

int between(Random& random, int least, int most) {
  return least + static_cast<int>(random.below(static_cast<uint32_t>(most - least + 1)));
}

template <typename Enum>
Enum any_of(Random& random, int values) {
  return static_cast<Enum>(random.below(static_cast<uint32_t>(values)));
}

constexpr int kChunkChoices = 3;

int in_flight(Random& random) {
  return between(random, kLeastInFlight, between(random, 0, 1) == 0 ? kMostInFlight : kFarInFlight);
}

bool several_chunks(const SearchProblem& problem) {
  return problem.placement().chunks_per_rank() > 1;
}

void hold_forwards(ListPolicy& policy, Random& random) {
  constexpr int kPercents[] = {0, 25, 50, 75, 90};
  policy.hold_forward_percent = kPercents[between(random, 0, int{std::size(kPercents)} - 1)];
  policy.hold_forwards = between(random, 0, kMostHeld);
}

}  // namespace

ListPolicy random_policy(const SearchProblem& problem, Random& random) {
  ListPolicy policy;
  policy.turn = any_of<ListPolicy::Turn>(random, ListPolicy::kTurns);
  policy.forward_chunk = any_of<ListPolicy::ChunkChoice>(random, kChunkChoices);
  policy.backward_chunk = any_of<ListPolicy::ChunkChoice>(random, kChunkChoices);
  policy.in_flight_percent.fill(in_flight(random));
  policy.in_flight_extra.fill(between(random, 0, kMostExtra - 1));
  policy.gap_percent = between(random, 0, 4) * 25;
  if (between(random, 0, 1) == 0) policy.hold_percent = between(random, 0, 3) * 25;
  if (several_chunks(problem) && between(random, 0, 1) == 0) hold_forwards(policy, random);
  if (problem.has_pairs()) {
    policy.pairs = between(random, 0, 3) > 0;
    policy.alone_backwards.fill(between(random, 0, kMostAlone));
    policy.wait_percent.fill(between(random, 0, 4) * 25);
  }
  if (problem.has_short_backwards()) {
    policy.split_first = between(random, 0, kMostAlone);
    policy.split_last = between(random, 0, kMostAlone);
  }
  return policy;
}

namespace {

// What runs as a pair, or whole.
void change_joining(ListPolicy& policy, Random& random) {
  const auto ranks = static_cast<size_t>(between(random, 0, 1));
  switch (between(random, 0, 4)) {
    case 0:
      policy.pairs = !policy.pairs;
      break;
    case 1:
      policy.alone_backwards[ranks] = between(random, 0, kMostAlone);
      break;
    case 2:
      policy.wait_percent[ranks] = between(random, 0, 120);
      break;
    case 3:
      policy.split_first = between(random, 0, kMostAlone);
      break;
    default:
      policy.split_last = between(random, 0, kMostAlone);
      break;
  }
}

}  // namespace

ListPolicy changed_policy(const SearchProblem& problem, const ListPolicy& policy, Random& random) {
  constexpr int kMostChanges = 3;
  ListPolicy changed = policy;
  for (int left = between(random, 1, kMostChanges); left > 0; --left) {
    const auto chunk = static_cast<size_t>(between(random, 0, ListPolicy::kChunks - 1));
    if ((problem.has_pairs() || problem.has_short_backwards()) && between(random, 0, 1) == 0) {
      change_joining(changed, random);
      continue;
    }
    switch (between(random, 0, several_chunks(problem) ? 8 : 7)) {
      case 0:
        changed.turn = any_of<ListPolicy::Turn>(random, ListPolicy::kTurns);
        break;
      case 1:
        changed.forward_chunk = any_of<ListPolicy::ChunkChoice>(random, kChunkChoices);
        break;
      case 2:
        changed.backward_chunk = any_of<ListPolicy::ChunkChoice>(random, kChunkChoices);
        break;
      case 3:
        changed.in_flight_percent[chunk % 2] = in_flight(random);
        break;
      case 4:
        changed.in_flight_extra[chunk] = between(random, -1, kMostExtra);
        break;
      case 5:
        changed.hold_percent = between(random, 0, 1) == 0 ? kNoHold : between(random, 0, kNoHold);
        break;
      case 6:
        changed.gap_percent = between(random, 0, kMostGap);
        break;
      case 8:
        hold_forwards(changed, random);
        break;
      default:
        changed.pending_limit = between(random, 0, 1) == 0 ? kNoPendingLimit : between(random, 0, kMostPending);
        break;
    }
  }
  return changed;
}

}  // namespace pipeloom
