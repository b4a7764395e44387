#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/schedule/messages.h"
#include "core/schedule/schedule.h"

namespace pipeloom {

// What the host of one rank does with messages, slot by slot, where a library of point-to-point messages matches the
// n-th send with the n-th receive (torch.distributed, NCCL). Before slot k it posts receives(k), takes back sends(k),
// waits for the slot's inputs, runs the slot, and posts the send of its forward output, then of its backward output.
//
// An edge is an ordered pair of ranks. An edge may carry messages of several queues (on V and bidirectional placements,
// activations of one stage and gradients of another), and its consumer may take them in another order than they are
// sent in. Receives are therefore posted in the sender's order.
class HostProgram {
 public:
  // The numbers of the messages whose receives are posted before slot `position` of the rank: those on the edges of its
  // inputs, in the sender's order, up to these inputs.
  std::span<const uint32_t> receives(uint32_t position) const { return part(receives_, receive_begin_, position); }
  // The numbers of the messages that this rank sent and that are known to have been taken: a chain of messages leads
  // from their consumer back to this slot. Waiting for such a send does not block. The others end with the step.
  std::span<const uint32_t> sent(uint32_t position) const { return part(sent_, sent_begin_, position); }

 private:
  friend std::vector<HostProgram> host_programs(const Schedule& schedule, const MessageTable& messages);

  static std::span<const uint32_t> part(const std::vector<uint32_t>& all, const std::vector<uint32_t>& begin,
                                        uint32_t position) {
    return std::span(all).subspan(begin[position], begin[position + 1] - begin[position]);
  }

  std::vector<uint32_t> receives_;
  std::vector<uint32_t> receive_begin_ = {0};
  std::vector<uint32_t> sent_;
  std::vector<uint32_t> sent_begin_ = {0};
};

// [rank] O(slots * ranks) time, O(ranks^2 + messages in flight * ranks) memory.
std::vector<HostProgram> host_programs(const Schedule& schedule, const MessageTable& messages);

}  // namespace pipeloom
