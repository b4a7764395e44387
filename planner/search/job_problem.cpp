#include "planner/search/job_problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "planner/evaluate/evaluate.h"
#include "planner/evaluate/partition.h"
#include "planner/overlap/split.h"
#include "planner/schedules/placements.h"
#include "sim/cost/job_costs.h"

namespace pipeloom::planner {

Result<Placement> placement_for(const Job& job, PlacementKind kind) {
  const PipelineShape shape = shape_of(job);
  const int ranks = job.layout.pipeline;
  const int chunks = job.schedule.chunks;
  const auto check_chunks = [&](int held) -> Status {
    if (chunks == 0 || chunks == held) return {};
    return invalid(fmt::format("--chunks is {}; a {} placement has {} per rank", chunks, placement_name(kind), held));
  };
  switch (kind) {
    case PlacementKind::kLinear:
      PIPELOOM_RETURN_IF_ERROR(check_chunks(1));
      return Placement::linear(ranks);
    case PlacementKind::kLooped:
      return looped_placement(shape);
    case PlacementKind::kV:
      PIPELOOM_RETURN_IF_ERROR(check_chunks(2));
      return Placement::v(ranks);
    case PlacementKind::kWave: {
      if (chunks % 2 != 0) return invalid(fmt::format("--chunks is {}; a wave has 2, 4, 6, ... per rank", chunks));
      return Placement::wave(ranks, chunks > 0 ? chunks / 2 : job.schedule.waves);
    }
    case PlacementKind::kBidirectional:
      PIPELOOM_RETURN_IF_ERROR(check_chunks(1));
      return Placement::bidirectional(ranks, job.schedule.pipe_pairs);
  }
  return invalid("unknown placement");
}

std::vector<uint16_t> pipes_for(const Placement& placement, int micro_batches) {
  std::vector<uint16_t> pipes;
  for (int m = 0; m < micro_batches; ++m) {
    pipes.push_back(static_cast<uint16_t>(int64_t{m} * placement.pipes() / micro_batches));
  }
  return pipes;
}

namespace {

// Returns the bytes that each rank may use for activations: the GPU's memory less everything that does not depend on
// the order.
Result<std::vector<int64_t>> caps_in_bytes(const Job& job, const Placement& placement, const StepCosts& costs) {
  std::vector<int64_t> caps;
  for (int rank = 0; rank < placement.ranks(); ++rank) {
    const RankMemory fixed = fixed_memory(job, placement, costs, rank);
    caps.push_back(activations_within(job, fixed, placement, costs, rank));
    if (caps.back() < 0) {
      return unsupported(fmt::format("weights and buffers alone take {} bytes on rank {}; a GPU may use {}",
                                     memory_limit_bytes(job) - caps.back(), rank, memory_limit_bytes(job)));
    }
  }
  return caps;
}

// Wraps searched_order and remembers its answers, so that each pair of alike stages is searched once.
sim::SlotOrder remembered_order() {
  struct Known {
    StageProgram forward;
    StageProgram backward;
    SlotProgram program;
  };
  return [known = std::make_shared<std::vector<Known>>()](const sim::OverlapStage& forward,
                                                          const sim::OverlapStage& backward) {
    for (const Known& one : *known) {
      if (sim::alike(one.forward, forward.alone) && sim::alike(one.backward, backward.alone)) return one.program;
    }
    known->push_back({forward.alone, backward.alone, searched_order(forward, backward)});
    return known->back().program;
  };
}

}  // namespace

Result<std::vector<JobProblem>> problems_of(const Job& job, PlacementKind kind, std::vector<int64_t> caps,
                                            Objective objective) {
  PIPELOOM_TRY(const Placement placement, placement_for(job, kind));
  std::vector<std::vector<int>> worth_trying = {{}};
  if (job.model) {
    if (!caps.empty())
      return invalid("--memory-cap counts activations; a job with a model is limited by its GPU's memory");
    PIPELOOM_TRY(worth_trying, near_partitions(job, placement));
  }
  if (caps.size() == 1) caps.assign(placement.ranks(), caps[0]);
  const sim::SlotOrder slot_order = remembered_order();
  std::vector<JobProblem> problems;
  for (std::vector<int>& layers : worth_trying) {
    PIPELOOM_TRY(StepCosts costs, sim::step_costs(job, placement, std::move(layers), slot_order));
    if (job.model) {
      PIPELOOM_TRY(caps, caps_in_bytes(job, placement, costs));
    }
    PIPELOOM_TRY(SearchProblem problem, SearchProblem::create({placement, pipes_for(placement, job.micro_batches),
                                                               costs.schedule, costs.activations, caps, objective}));
    problems.push_back({std::move(costs), std::move(problem)});
  }
  return problems;
}

}  // namespace pipeloom::planner
