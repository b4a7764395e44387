#include "core/schedule/batches.h"

#include <fmt/format.h>

#include <algorithm>

namespace pipeloom {

Status check_batch_order(const Schedule& schedule) {
  const MessageTable table(schedule);
  const auto slots = schedule.slots();
  for (size_t queue = 0; queue < schedule.placement().queues().size(); ++queue) {
    const bool forward = schedule.placement().queues()[queue].direction == Direction::kForward;
    int64_t last_sent = -1;
    int64_t last_received = -1;
    for (uint32_t number = table.first_of(static_cast<int>(queue));
         number < table.first_of(static_cast<int>(queue) + 1); ++number) {
      const Message& message = table.messages()[number];
      const int64_t sent = int64_t{message.producer} + slots[message.producer].send_later;
      const int64_t received = int64_t{message.consumer} - (forward ? slots[message.consumer].receive_early : 0);
      if (sent < last_sent || received < last_received) {
        return invalid(fmt::format("rank {}: {} would overtake the message before it in a batch of blocking P2P",
                                   schedule.rank_of_slot(message.producer), slot_label(slots[message.producer])));
      }
      last_sent = sent;
      last_received = received;
    }
  }
  return {};
}

Batches::Batches(const Schedule& schedule, const MessageTable& table) {
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    first_batch_.push_back(schedule.first_slot(rank) + static_cast<uint32_t>(rank));
  }
  const auto batch_of = [&](int rank, uint32_t slot, int shift) {
    const int last = static_cast<int>(schedule.first_slot(rank + 1) - schedule.first_slot(rank));
    const int position = static_cast<int>(slot - schedule.first_slot(rank)) + shift;
    return first_batch_[rank] + static_cast<uint32_t>(std::clamp(position, 0, last));
  };
  const auto slots = schedule.slots();
  const auto queues = schedule.placement().queues();
  const auto for_each_end = [&](auto visit) {
    for (uint32_t number = 0; number < table.messages().size(); ++number) {
      const Message& message = table.messages()[number];
      const Placement::Queue& queue = queues[message.queue];
      const int early = queue.direction == Direction::kForward ? slots[message.consumer].receive_early : 0;
      visit(batch_of(queue.source, message.producer, 1 + slots[message.producer].send_later), number);
      visit(batch_of(queue.target, message.consumer, -early), number);
    }
  };
  begin_.assign(slots.size() + schedule.ranks() + 1, 0);
  for_each_end([&](uint32_t batch, uint32_t) { ++begin_[batch + 1]; });
  for (size_t batch = 1; batch < begin_.size(); ++batch) begin_[batch] += begin_[batch - 1];
  messages_.resize(begin_.back());
  std::vector<uint32_t> next(begin_.begin(), begin_.end() - 1);
  for_each_end([&](uint32_t batch, uint32_t number) { messages_[next[batch]++] = number; });
}

}  // namespace pipeloom
