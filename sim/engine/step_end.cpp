#include "sim/engine/step_end.h"

#include <algorithm>

namespace pipeloom::sim {

namespace {

// [stage] Returns when the stage's gradients are complete: the last W of every copy has ended, and, for a shared
// embedding, those of the other stage that uses it.
std::vector<int64_t> gradients_ready_ns(const Schedule& schedule, const Timeline& timeline, const StepCosts& costs) {
  std::vector<int64_t> ready_ns(schedule.stages(), 0);
  const auto slots = schedule.slots();
  for (uint32_t slot = 0; slot < slots.size(); ++slot) {
    if (!slots[slot].has_weight_backward()) continue;
    int64_t& ready = ready_ns[slots[slot].backward_pass_stage()];
    ready = std::max(ready, timeline.end_ns[slot]);
  }
  if (costs.shares_embedding) {
    ready_ns.front() = std::max(ready_ns.front(), ready_ns.back());
    if (!schedule.placement().ends_share_a_rank()) ready_ns.back() = ready_ns.front();
  }
  return ready_ns;
}

// Adds one collective over all ranks, whose last member arrives at `begin_ns`.
void add_norms(StepEnd& step, int64_t begin_ns, int64_t norm_ns) {
  for (RankEnd& rank : step.ranks) {
    rank.norm_begin_ns = begin_ns;
    rank.norm_end_ns = begin_ns + norm_ns;
  }
}

}  // namespace

StepEnd step_end(const Schedule& schedule, const Timeline& timeline, const StepCosts& costs, Clipping clipping) {
  std::vector<int64_t> compute_free_ns(schedule.ranks(), 0);
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    const uint32_t last = schedule.first_slot(rank + 1);
    if (last > schedule.first_slot(rank)) compute_free_ns[rank] = timeline.end_ns[last - 1];
  }
  return step_end(schedule.placement(), gradients_ready_ns(schedule, timeline, costs), compute_free_ns, costs,
                  clipping);
}

StepEnd step_end(const Placement& placement, std::span<const int64_t> gradients_ready_ns,
                 std::span<const int64_t> compute_free_ns, const StepCosts& costs, Clipping clipping) {
  StepEnd step;
  step.ranks.resize(placement.ranks());
  std::vector<int64_t> lane_free_ns(placement.ranks(), 0);
  // Every rank reduces its stages in the same order, so the members of a collective can be timed together.
  for (int stage = placement.stages() - 1; stage >= 0; --stage) {
    int64_t begin_ns = gradients_ready_ns[stage];
    for (int pipe = 0; pipe < placement.pipes(); ++pipe) {
      begin_ns = std::max(begin_ns, lane_free_ns[placement.rank_of(pipe, stage)]);
    }
    for (int pipe = 0; pipe < placement.pipes(); ++pipe) {
      const int rank = placement.rank_of(pipe, stage);
      lane_free_ns[rank] = begin_ns + costs.gradient_reduction_ns[stage];
      step.ranks[rank].reductions.push_back({stage, begin_ns, lane_free_ns[rank]});
    }
  }
  if (clipping == Clipping::kGlobal) add_norms(step, std::ranges::max(lane_free_ns), costs.norm_ns);
  for (int rank = 0; rank < placement.ranks(); ++rank) {
    RankEnd& end = step.ranks[rank];
    for (const Chunk& chunk : placement.chunks_of(rank)) {
      if (!costs.ema_ns.empty()) end.ema_end_ns += costs.ema_ns[chunk.stage];
    }
    end.optimizer_begin_ns = std::max({compute_free_ns[rank], lane_free_ns[rank], end.norm_end_ns, end.ema_end_ns});
    end.optimizer_end_ns = end.optimizer_begin_ns;
    for (const Chunk& chunk : placement.chunks_of(rank)) end.optimizer_end_ns += costs.optimizer_ns[chunk.stage];
    step.step_ns = std::max(step.step_ns, end.optimizer_end_ns);
  }
  if (clipping != Clipping::kValidated) return step;
  add_norms(step, step.step_ns, costs.norm_ns);
  step.step_ns += costs.norm_ns;
  return step;
}

}  // namespace pipeloom::sim
