#include "core/batches.h"

#include <algorithm>

namespace pipeloom {

namespace {

constexpr Direction kDirections[] = {Direction::kForward, Direction::kBackward};

bool takes_part(const Slot& slot, Direction direction) {
  return direction == Direction::kForward ? slot.has_forward() : slot.has_input_backward();
}

// Calls visit(batch, message) for every message of every batch, rank after rank, each rank's in the order of its slots.
class BatchWalk {
 public:
  explicit BatchWalk(const Schedule& schedule) : schedule_(schedule), placement_(schedule.placement()) {
    for (auto& slots : slot_of_) slots.resize(static_cast<size_t>(schedule.stages()) * schedule.micro_batches());
    for (uint32_t number = 0; number < schedule.slots().size(); ++number) {
      const Slot& slot = schedule.slots()[number];
      for (const Direction direction : kDirections) {
        if (takes_part(slot, direction))
          slot_of(direction, stage_of(slot, direction), micro_batch_of(slot, direction)) = number;
      }
    }
  }

  template <typename Visit>
  void run(Visit visit) {
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
      const auto slots = schedule_.slots_of(rank);
      for (size_t position = 0; position < slots.size(); ++position) {
        for (const Direction direction : kDirections) {
          if (takes_part(slots[position], direction)) visit_pass(rank, position, direction, visit);
        }
      }
    }
  }

 private:
  template <typename Visit>
  void visit_pass(int rank, size_t position, Direction direction, Visit& visit) {
    const auto slots = schedule_.slots_of(rank);
    const Slot& slot = slots[position];
    const int stage = stage_of(slot, direction);
    const int micro_batch = micro_batch_of(slot, direction);
    const int step = direction == Direction::kForward ? 1 : -1;
    const size_t first = schedule_.first_slot(rank) + rank;  // each rank before has one batch more than slots
    if (stage - step >= 0 && stage - step < schedule_.stages()) {
      const size_t early = direction == Direction::kForward ? slot.receive_early : 0;
      visit_message(first + position - std::min(early, position), direction, stage - step, micro_batch, visit);
    }
    visit_message(first + std::min(position + 1 + slot.send_later, slots.size()), direction, stage, micro_batch, visit);
  }

  template <typename Visit>
  void visit_message(size_t batch, Direction direction, int source_stage, int micro_batch, Visit& visit) {
    const int queue = placement_.queue_from(direction, schedule_.pipe_of(micro_batch), source_stage);
    if (queue < 0) return;
    const int target_stage = source_stage + (direction == Direction::kForward ? 1 : -1);
    visit(batch,
          Message{queue, slot_of(direction, source_stage, micro_batch), slot_of(direction, target_stage, micro_batch)});
  }

  static int stage_of(const Slot& slot, Direction direction) {
    return direction == Direction::kForward ? slot.stage : slot.backward_pass_stage();
  }
  static int micro_batch_of(const Slot& slot, Direction direction) {
    return direction == Direction::kForward ? slot.micro_batch : slot.backward_pass_micro_batch();
  }
  uint32_t& slot_of(Direction direction, int stage, int micro_batch) {
    return slot_of_[static_cast<size_t>(direction)][schedule_.cell(stage, micro_batch)];
  }

  const Schedule& schedule_;
  const Placement& placement_;
  std::vector<uint32_t> slot_of_[2];  // [direction][cell]
};

}  // namespace

// A counting sort by batch: it keeps the order of the walk within each.
Batches::Batches(const Schedule& schedule) {
  for (int rank = 0; rank < schedule.ranks(); ++rank) first_batch_.push_back(schedule.first_slot(rank) + rank);
  const size_t count = schedule.slots().size() + schedule.ranks();
  BatchWalk walk(schedule);
  std::vector<uint32_t> next(count + 1, 0);
  walk.run([&](size_t batch, const Message&) { ++next[batch + 1]; });
  for (size_t batch = 0; batch < count; ++batch) next[batch + 1] += next[batch];
  begin_ = next;
  messages_.resize(begin_.back());
  walk.run([&](size_t batch, const Message& message) { messages_[next[batch]++] = message; });
}

}  // namespace pipeloom
