#include "core/schedule/messages.h"

namespace pipeloom {

namespace {

constexpr Direction kDirections[] = {Direction::kForward, Direction::kBackward};

}  // namespace

MessageTable::MessageTable(const Schedule& schedule) {
  for (auto* table : {&producer_, &consumer_, &input_, &output_}) table->assign(schedule.slots().size() * 2, kNone);
  find_partners(schedule);
  number_messages(schedule);
}

void MessageTable::find_partners(const Schedule& schedule) {
  const auto slots = schedule.slots();
  std::vector<uint32_t> slot_of(static_cast<size_t>(schedule.stages()) * schedule.micro_batches());
  for (const Direction direction : kDirections) {
    const int step = direction == Direction::kForward ? -1 : 1;
    for (uint32_t slot = 0; slot < slots.size(); ++slot) {
      if (!slots[slot].hands_over(direction)) continue;
      slot_of[schedule.cell(slots[slot].stage_of(direction), slots[slot].micro_batch_of(direction))] = slot;
    }
    for (uint32_t slot = 0; slot < slots.size(); ++slot) {
      if (!slots[slot].hands_over(direction)) continue;
      const int source_stage = slots[slot].stage_of(direction) + step;
      if (source_stage < 0 || source_stage >= schedule.stages()) continue;
      const uint32_t producer = slot_of[schedule.cell(source_stage, slots[slot].micro_batch_of(direction))];
      producer_[index(slot, direction)] = producer;
      consumer_[index(producer, direction)] = slot;
    }
  }
}

void MessageTable::number_messages(const Schedule& schedule) {
  const auto slots = schedule.slots();
  const Placement& placement = schedule.placement();
  const auto queue_of = [&](uint32_t slot, Direction direction) {
    if (consumer_[index(slot, direction)] == kNone) return -1;
    return placement.queue_from(direction, schedule.pipe_of(slots[slot].micro_batch_of(direction)),
                                slots[slot].stage_of(direction));
  };
  queue_begin_.assign(placement.queues().size() + 1, 0);
  for (uint32_t slot = 0; slot < slots.size(); ++slot) {
    for (const Direction direction : kDirections) {
      if (const int queue = queue_of(slot, direction); queue >= 0) ++queue_begin_[queue + 1];
    }
  }
  for (size_t queue = 1; queue < queue_begin_.size(); ++queue) queue_begin_[queue] += queue_begin_[queue - 1];
  messages_.resize(queue_begin_.back());
  std::vector<uint32_t> next(queue_begin_.begin(), queue_begin_.end() - 1);
  for (uint32_t slot = 0; slot < slots.size(); ++slot) {
    for (const Direction direction : kDirections) {
      const int queue = queue_of(slot, direction);
      if (queue < 0) continue;
      const uint32_t consumer = consumer_[index(slot, direction)];
      const uint32_t message = next[queue]++;
      messages_[message] = {queue, slot, consumer};
      output_[index(slot, direction)] = message;
      input_[index(consumer, direction)] = message;
    }
  }
}

}  // namespace pipeloom
