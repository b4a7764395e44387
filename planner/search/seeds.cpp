#include "planner/search/seeds.h"

#include <algorithm>

#include "planner/schedules/schedule_table.h"
#include "planner/search/repair.h"
#include "sim/report/memory.h"

namespace pipeloom::planner {

namespace {

PipelineShape shape_of(const SearchProblem& problem) {
  const Placement& placement = problem.placement();
  PipelineShape shape;
  shape.ranks = problem.ranks();
  shape.micro_batches = problem.micro_batches();
  const int chunks = problem.stages() / problem.ranks();
  if (placement.kind() == PlacementKind::kLooped) shape.chunks = chunks;
  if (placement.kind() == PlacementKind::kWave) shape.waves = std::max(1, chunks / 2);
  if (placement.kind() == PlacementKind::kBidirectional) shape.pipe_pairs = std::max(1, problem.pipes() / 2);
  return shape;
}

bool fits(const SearchProblem& problem, const Schedule& schedule) {
  const std::vector<int64_t> peaks = sim::peak_activations(schedule, problem.activations());
  for (int rank = 0; rank < problem.ranks(); ++rank) {
    if (peaks[rank] > problem.cap(rank)) return false;
  }
  return true;
}

}  // namespace

std::vector<NamedOrder> named_orders(const SearchProblem& problem) {
  std::vector<NamedOrder> orders;
  const PipelineShape shape = shape_of(problem);
  int64_t least_cap = problem.cap(0);
  for (int rank = 0; rank < problem.ranks(); ++rank) least_cap = std::min(least_cap, problem.cap(rank));
  const int64_t limit = least_cap >= SearchProblem::kNoCap ? 0 : least_cap;
  for (const NamedSchedule& named : named_schedules()) {
    const auto placement = named.placement(shape);
    if (!placement || !(*placement == problem.placement())) continue;
    // Generated without a memory limit, and with this one.
    for (const int64_t memory_limit : {int64_t{0}, limit}) {
      auto schedule = named.generate(shape, {problem.costs(), problem.activations(), memory_limit});
      if (schedule) {
        const bool within = fits(problem, *schedule);
        orders.push_back({std::string(named.name), std::move(*schedule), within});
      }
      if (limit == 0) break;
    }
  }
  return orders;
}

Order one_by_one(const SearchProblem& problem) {
  Order order(problem);
  const auto add = [&](int pipe, int stage, Pass pass, int index) {
    const Line& line = problem.line(pipe, stage, pass);
    order.append(line.first_op + index, line.rank);
  };
  for (int pipe = 0; pipe < problem.pipes(); ++pipe) {
    for (int index = 0; index < problem.micro_batches_of(pipe); ++index) {
      for (int stage = 0; stage < problem.stages(); ++stage) add(pipe, stage, Pass::kF, index);
      for (int stage = problem.stages() - 1; stage >= 0; --stage) {
        add(pipe, stage, Pass::kI, index);
        if (problem.splits_backward()) add(pipe, stage, Pass::kW, index);
      }
    }
  }
  return order;
}

std::vector<Order> seed_orders(const SearchProblem& problem, const std::vector<NamedOrder>& named) {
  std::vector<Order> seeds;
  for (const NamedOrder& order : named) {
    const auto seed = order_of(problem, order.schedule);
    if (!seed) continue;
    seeds.push_back(fits_caps(problem, *seed) ? *seed : repaired_to_caps(problem, *seed));
    // Renumbered micro-batches, or a pair that became three slots, can take more memory than before.
    if (!fits_caps(problem, seeds.back())) seeds.pop_back();
  }
  seeds.push_back(one_by_one(problem));
  return seeds;
}

}  // namespace pipeloom::planner
