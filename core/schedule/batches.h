#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/schedule/messages.h"
#include "core/schedule/schedule.h"

namespace pipeloom {

// The batches of blocking P2P. Each rank commits one batch of sends and receives before each slot and one after its
// last slot, and waits for all of it (batch_isend_irecv of DualPipe and Megatron-LM). The batch before slot k holds the
// sends of slot k-1's outputs and the receives of slot k's inputs. Slot::send_later and receive_early move a message to
// another batch, but not past the rank's first and last batch.
class Batches {
 public:
  Batches(const Schedule& schedule, const MessageTable& messages);

  // Returns the ascending numbers of the messages that `rank` sends or receives in its batch `position`: 0 .. number of
  // slots; the last batch comes after the last slot.
  std::span<const uint32_t> messages(int rank, uint32_t position) const {
    const uint32_t batch = first_batch_[rank] + position;
    return std::span(messages_).subspan(begin_[batch], begin_[batch + 1] - begin_[batch]);
  }

 private:
  std::vector<uint32_t> first_batch_;  // [rank]
  std::vector<uint32_t> begin_;        // [batch]
  std::vector<uint32_t> messages_;
};

// Fails if Slot::send_later or receive_early would let a message overtake another on its queue.
Status check_batch_order(const Schedule& schedule);

}  // namespace pipeloom
