#include "planner/search/strand.h"

#include <algorithm>

namespace pipeloom::planner {

namespace {

// Problems with fewer ops are small. Their landscapes are steep: the optimum differs from the seeds by whole passes.
constexpr int kSmallProblem = 1000;
// Heats of the cycles in turn, in percent of a mean pass. A warm cycle may improve what a cool one found, and the
// reverse.
constexpr int kSmallHeats[] = {25, 50, 75, 10, 100, 0, 35};
constexpr int kLargeHeats[] = {6, 3, 10, 5, 2, 8, 20, 4, 12};
// If slots are pairs, a swap changes much, and warm cycles don't find back.
constexpr int kPairHeats[] = {0, 3, 0, 1, 6};

// Distance in the list of heats between the first heats of two strands.
constexpr size_t kHeatsBetweenStrands = 3;
// One cycle in this many starts from any order of the elite, the others from the best one.
constexpr int kCyclesPerOtherStart = 3;

int64_t moves_of_cycle(int ops) {
  constexpr int64_t kMovesPerOp = 60;
  return std::clamp<int64_t>(kMovesPerOp * ops, 30'000, 400'000);
}

}  // namespace

Strand::Strand(const SearchProblem& problem, uint64_t seed, int number)
    : problem_(problem),
      number_(number),
      random_(seed),
      policies_(problem, random_.next(), number),
      annealer_(problem, random_.next()) {
  int64_t work_ns = 0;
  for (int rank = 0; rank < problem.ranks(); ++rank) work_ns += problem.work_ns(rank);
  mean_pass_ns_ = std::max<int64_t>(1, work_ns / problem.ops());
}

std::vector<Found> Strand::take_found() {
  std::vector<Found> found = std::exchange(found_, {});
  if (auto best = policies_.take_best()) found.push_back(*std::move(best));
  return found;
}

void Strand::schedule_lists(int64_t work, const std::atomic<bool>* cancel) {
  policies_.run(work, cancel);
}

void Strand::begin_cycle(const std::vector<Found>& elite) {
  // Strands and cycles differ in heat and start. Most start from the best order.
  const size_t turn = static_cast<size_t>(cycle_) + static_cast<size_t>(number_) * kHeatsBetweenStrands;
  const auto in_turn = [&](const auto& heats) { return heats[turn % std::size(heats)]; };
  const bool small = problem_.ops() < kSmallProblem;
  const int heat = small ? in_turn(kSmallHeats) : problem_.has_pairs() ? in_turn(kPairHeats) : in_turn(kLargeHeats);
  const bool from_best = (cycle_ + number_) % kCyclesPerOtherStart != kCyclesPerOtherStart - 1;
  const size_t start = from_best ? 0 : random_.below(static_cast<uint32_t>(elite.size()));
  annealer_.start(*elite[start].order, mean_pass_ns_ * heat / 100, moves_of_cycle(problem_.ops()));
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

}  // namespace pipeloom::planner
