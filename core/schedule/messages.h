#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/schedule/schedule.h"

namespace pipeloom {

// What one slot hands to a slot on another rank.
struct Message {
  int32_t queue = 0;      // index into Placement::queues(), which gives ranks and direction
  uint32_t producer = 0;  // slot
  uint32_t consumer = 0;  // slot

  bool operator==(const Message&) const = default;
};

// The messages of a schedule and their partners. Messages are numbered queue after queue, each queue's in sending
// order.
class MessageTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  explicit MessageTable(const Schedule& schedule);

  std::span<const Message> messages() const { return messages_; }
  // Returns the number of a queue's first message. REQUIRES: `queue` is at most the number of queues, which gives the
  // number of all messages.
  uint32_t first_of(int queue) const { return queue_begin_[queue]; }

  // The slot whose output in `direction` this slot waits for, on any rank; kNone if it needs none.
  uint32_t producer(uint32_t slot, Direction direction) const { return producer_[index(slot, direction)]; }
  // The message that brings this input; kNone if the producer is on the same rank or there is none.
  uint32_t input(uint32_t slot, Direction direction) const { return input_[index(slot, direction)]; }
  // The message that carries the slot's output; kNone if the consumer is on the same rank or there is none.
  uint32_t output(uint32_t slot, Direction direction) const { return output_[index(slot, direction)]; }
  // The slot that takes the slot's output, on any rank; kNone at the end of the pipe.
  uint32_t consumer(uint32_t slot, Direction direction) const { return consumer_[index(slot, direction)]; }

 private:
  static size_t index(uint32_t slot, Direction direction) {
    return static_cast<size_t>(slot) * 2 + static_cast<size_t>(direction);
  }
  void find_partners(const Schedule& schedule);
  void number_messages(const Schedule& schedule);

  std::vector<Message> messages_;
  std::vector<uint32_t> queue_begin_;
  std::vector<uint32_t> producer_;  // [slot][direction], like the next three
  std::vector<uint32_t> consumer_;
  std::vector<uint32_t> input_;
  std::vector<uint32_t> output_;
};

}  // namespace pipeloom
