#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/schedule.h"

namespace pipeloom {

// One hand-over between two ranks. It is in one batch of the queue's source and in one of its target.
struct Message {
  int32_t queue = 0;      // of the placement
  uint32_t producer = 0;  // slots, as the schedule numbers them
  uint32_t consumer = 0;

  bool operator==(const Message&) const = default;
};

// What blocking P2P sends and receives at once: before each slot a rank commits one batch, and one more after its last
// slot. A batch holds the outputs of the slot before it and the inputs of the slot after it, moved by Slot::send_later
// and Slot::receive_early. Within a batch the messages of one queue are in the queue's order.
class Batches {
 public:
  explicit Batches(const Schedule& schedule);  // O(slots)

  // `position` counts the slots of `rank`; the rank's number of slots stands for the final batch.
  std::span<const Message> before(int rank, size_t position) const {
    const size_t batch = first_batch_[rank] + position;
    return std::span(messages_).subspan(begin_[batch], begin_[batch + 1] - begin_[batch]);
  }

 private:
  std::vector<Message> messages_;    // [batch]
  std::vector<uint32_t> begin_;      // [batches + 1] into messages_
  std::vector<size_t> first_batch_;  // [rank]
};

}  // namespace pipeloom
