#include "sim/engine/steps.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/units.h"

namespace pipeloom::sim {

Status check_costs_fit(const Schedule& schedule, const ScheduleCosts& costs) {
  if (costs.stages() != schedule.stages() || costs.ranks() != schedule.ranks()) {
    return invalid(fmt::format("costs are for {} stages on {} ranks; the schedule has {} on {}", costs.stages(),
                               costs.ranks(), schedule.stages(), schedule.ranks()));
  }
  const auto& classes = costs.input().class_of_micro_batch;
  if (!classes.empty() && static_cast<int>(classes.size()) != schedule.micro_batches()) {
    return invalid(fmt::format("costs give the class of {} micro-batches; the schedule has {}", classes.size(),
                               schedule.micro_batches()));
  }
  PIPELOOM_RETURN_IF_ERROR(costs.check_step_of(static_cast<int64_t>(schedule.slots().size())));
  if (schedule.has_pairs()) {
    const int64_t variants = int64_t{schedule.placement().chunks_per_rank()} * costs.classes();
    constexpr int64_t kMaxPairCosts = 1 << 24;
    if (variants * variants * schedule.ranks() > kMaxPairCosts) {
      return unsupported(fmt::format("{} ranks with {} chunks each make {} kinds of pairs; at most {} are allowed",
                                     schedule.ranks(), schedule.placement().chunks_per_rank(),
                                     variants * variants * schedule.ranks(), kMaxPairCosts));
    }
  }
  return {};
}

// Fills the cost table: four passes per (class, pipe, stage), then one entry per pair of chunks of each rank, for F
// with B and, if there are such pairs, for F with I.
class StepsBuilder {
 public:
  StepsBuilder(const Schedule& schedule, const ScheduleCosts& costs)
      : schedule_(schedule), placement_(schedule.placement()), costs_(costs) {}

  Steps build() {
    result_.ranks_ = schedule_.ranks();
    add_pass_costs();
    if (schedule_.has_pairs()) add_pair_costs(SlotKind::kFB);
    first_input_pair_cost_ = static_cast<uint32_t>(result_.costs_.size());
    if (schedule_.has_input_pairs()) add_pair_costs(SlotKind::kFI);
    add_steps();
    return std::move(result_);
  }

 private:
  // Returns the latency of the hand-over after (pipe, stage); 0 on one rank and at the pipe's end.
  int64_t latency(Direction direction, int pipe, int stage) const {
    const int queue = placement_.queue_from(direction, pipe, stage);
    if (queue < 0) return 0;
    const auto& ends = placement_.queues()[queue];
    return costs_.link(ends.source, ends.target).latency_ns;
  }

  void add_pass_costs() {
    for (int c = 0; c < costs_.classes(); ++c) {
      for (int pipe = 0; pipe < placement_.pipes(); ++pipe) {
        for (int stage = 0; stage < placement_.stages(); ++stage) {
          const StageCost& cost = costs_.stage(stage, c);
          const int64_t down = latency(Direction::kForward, pipe, stage);
          const int64_t up = latency(Direction::kBackward, pipe, stage);
          const auto add_backward = [&](const PassCost& pass) {
            result_.costs_.push_back({pass.duration_ns, 0, pass.need_ns, pass.ready_ns + up, 0});
          };
          // Entries are in the order of SlotKind: F, B, I, W.
          result_.costs_.push_back(
              {cost.forward.duration_ns, cost.forward.need_ns, 0, cost.forward.ready_ns + down, 0});
          add_backward(cost.backward);
          add_backward(cost.input_backward);
          result_.costs_.push_back({cost.weight_ns, 0, 0, 0, 0});
        }
      }
    }
  }

  void add_pair_costs(SlotKind kind) {
    const int chunks = placement_.chunks_per_rank();
    chunk_number_.resize(static_cast<size_t>(placement_.pipes()) * placement_.stages());
    if (kind == SlotKind::kFB) result_.first_pair_cost_ = static_cast<uint32_t>(result_.costs_.size());
    for (int rank = 0; rank < placement_.ranks(); ++rank) {
      const auto held = placement_.chunks_of(rank);
      for (int i = 0; i < chunks; ++i) chunk_number_[chunk_index(held[i].pipe, held[i].stage)] = i;
      for (int f = 0; f < chunks; ++f) {
        for (int forward_class = 0; forward_class < costs_.classes(); ++forward_class) {
          for (int b = 0; b < chunks; ++b) {
            for (int backward_class = 0; backward_class < costs_.classes(); ++backward_class) {
              const PairCost pair = costs_.pair(held[f].stage, held[b].stage, forward_class, backward_class, kind);
              result_.costs_.push_back(
                  {pair.duration_ns, pair.forward_need_ns, pair.backward_need_ns,
                   pair.forward_ready_ns + latency(Direction::kForward, held[f].pipe, held[f].stage),
                   pair.backward_ready_ns + latency(Direction::kBackward, held[b].pipe, held[b].stage)});
            }
          }
        }
      }
    }
  }

  size_t chunk_index(int pipe, int stage) const { return static_cast<size_t>(pipe) * placement_.stages() + stage; }

  uint32_t pass_cost(const Slot& slot) const {
    const int c = costs_.class_of(slot.micro_batch);
    const size_t block = chunk_index(c * placement_.pipes() + schedule_.pipe_of(slot.micro_batch), slot.stage);
    return static_cast<uint32_t>(block * 4 + static_cast<size_t>(slot.kind));
  }

  uint32_t pair_cost(const Slot& slot, uint32_t rank) const {
    const int variants = placement_.chunks_per_rank() * costs_.classes();
    const int f = chunk_number_[chunk_index(schedule_.pipe_of(slot.micro_batch), slot.stage)] * costs_.classes() +
                  costs_.class_of(slot.micro_batch);
    const int b = chunk_number_[chunk_index(schedule_.pipe_of(slot.backward_micro_batch), slot.backward_stage)] *
                      costs_.classes() +
                  costs_.class_of(slot.backward_micro_batch);
    const uint32_t first = slot.kind == SlotKind::kFB ? result_.first_pair_cost_ : first_input_pair_cost_;
    return first + (rank * variants + f) * variants + b;
  }

  void add_steps() {
    const auto order = schedule_.topological_order();
    const auto slots = schedule_.slots();
    const size_t cells = static_cast<size_t>(schedule_.stages()) * schedule_.micro_batches();
    std::vector<uint32_t> forward_output(cells);
    std::vector<uint32_t> backward_output(cells);
    std::vector<uint32_t> rank_of_slot(slots.size());
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
      std::fill(rank_of_slot.begin() + schedule_.first_slot(rank),
                rank_of_slot.begin() + schedule_.first_slot(rank + 1), static_cast<uint32_t>(rank));
    }
    result_.steps_.resize(order.size());
    const uint32_t nothing = result_.nothing();
    for (uint32_t i = 0; i < order.size(); ++i) {
      const Slot& slot = slots[order[i]];
      Step& step = result_.steps_[i];
      step = {nothing, nothing, 0, rank_of_slot[order[i]]};
      const bool pair = slot.is_pair();
      step.cost = pair ? pair_cost(slot, step.rank) : pass_cost(slot);
      if (slot.has_forward()) {
        if (slot.stage > 0) step.forward_from = forward_output[schedule_.cell(slot.stage - 1, slot.micro_batch)];
        forward_output[schedule_.cell(slot.stage, slot.micro_batch)] = i;
      }
      if (slot.has_input_backward()) {
        const int stage = slot.backward_pass_stage();
        const int m = slot.backward_pass_micro_batch();
        if (stage + 1 < schedule_.stages()) step.backward_from = backward_output[schedule_.cell(stage + 1, m)];
        backward_output[schedule_.cell(stage, m)] =
            pair ? result_.first_pair_output() + static_cast<uint32_t>(result_.pair_steps_.size()) : i;
        if (pair) result_.pair_steps_.push_back(i);
      }
    }
  }

  const Schedule& schedule_;
  const Placement& placement_;
  const ScheduleCosts& costs_;
  Steps result_;
  std::vector<int> chunk_number_;  // [pipe][stage] number of the chunk on its rank
  uint32_t first_input_pair_cost_ = 0;
};

Result<Steps> Steps::create(const Schedule& schedule, const ScheduleCosts& costs) {
  PIPELOOM_RETURN_IF_ERROR(check_costs_fit(schedule, costs));
  return StepsBuilder(schedule, costs).build();
}

}  // namespace pipeloom::sim
