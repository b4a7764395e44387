#include "planner/search/coarse.h"

#include <algorithm>

namespace pipeloom::planner {

namespace {

Result<Placement> half_of(const Placement& placement) {
  const int ranks = placement.ranks() / 2;
  const int chunks = placement.stages() / placement.ranks();
  switch (placement.kind()) {
    case PlacementKind::kLinear:
      return Placement::linear(ranks);
    case PlacementKind::kLooped:
      return Placement::looped(ranks, chunks);
    case PlacementKind::kV:
      return Placement::v(ranks);
    case PlacementKind::kWave:
      return Placement::wave(ranks, chunks / 2);
    case PlacementKind::kBidirectional:
      return Placement::bidirectional(ranks, placement.pipes() / 2);
  }
  return invalid("no placement");
}

std::vector<uint16_t> pipes_of(int micro_batches, int pipes) {
  std::vector<uint16_t> pipe_of;
  for (int m = 0; m < micro_batches; ++m) {
    pipe_of.push_back(static_cast<uint16_t>(int64_t{m} * pipes / micro_batches));
  }
  return pipe_of;
}

}  // namespace

std::optional<SearchProblem> coarse_problem(const SearchProblem& problem) {
  if (problem.ranks() < 4) return std::nullopt;
  const auto placement = half_of(problem.placement());
  if (!placement) return std::nullopt;
  ScheduleCosts::Input costs;
  std::vector<ActivationSize> activations;
  for (int stage = 0; stage < placement->stages(); ++stage) {
    costs.stages.push_back(problem.costs().stage(2 * stage));
    activations.push_back(problem.activations()[2 * stage]);
  }
  LinkCost link;
  for (int rank = 0; rank + 1 < problem.ranks(); ++rank) {
    const LinkCost& next = problem.costs().link(rank, rank + 1);
    link.latency_ns = std::max(link.latency_ns, next.latency_ns + problem.costs().occupancy_ns(next, 0));
  }
  costs.links = {link};
  auto schedule_costs = ScheduleCosts::create(placement->stages(), placement->ranks(), std::move(costs));
  if (!schedule_costs) return std::nullopt;
  std::vector<int64_t> caps;
  for (int rank = 0; rank < placement->ranks(); ++rank) {
    const int64_t cap = problem.cap(2 * rank);
    caps.push_back(problem.has_cap(2 * rank) ? cap / 2 : cap);
  }
  const int micro_batches = std::max(placement->pipes(), problem.micro_batches() / 4);
  auto coarse =
      SearchProblem::create({*placement, pipes_of(micro_batches, placement->pipes()), *std::move(schedule_costs),
                             std::move(activations), std::move(caps), problem.objective()});
  if (!coarse) return std::nullopt;
  return *std::move(coarse);
}

std::optional<SearchProblem> shorter_problem(const SearchProblem& problem) {
  constexpr int kPerRank = 3;  // enough to fill, repeat and drain
  const int micro_batches = kPerRank * problem.ranks();
  if (micro_batches * 2 > problem.micro_batches()) return std::nullopt;
  std::vector<int64_t> caps;
  for (int rank = 0; rank < problem.ranks(); ++rank) caps.push_back(problem.cap(rank));
  const auto activations = problem.activations();
  auto shorter = SearchProblem::create({problem.placement(),
                                        pipes_of(micro_batches, problem.pipes()),
                                        problem.costs(),
                                        {activations.begin(), activations.end()},
                                        std::move(caps),
                                        problem.objective()});
  if (!shorter) return std::nullopt;
  return *std::move(shorter);
}

}  // namespace pipeloom::planner
