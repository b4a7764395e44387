#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/schedule/messages.h"
#include "core/schedule/schedule.h"

namespace pipeloom {

// Which messages share a communicator of the message library.
enum class Communicators : uint8_t {
  kEdge,  // one for each ordered pair of ranks
  kPair,  // one for each pair of ranks: both ways share it (NCCL, connected lazily)
  kAll,   // one for all ranks (NCCL, connected eagerly)
};

// What a host does to a message. Posting returns at once.
struct MessageAction {
  enum class Kind : uint8_t { kPostReceive, kPostSend, kWait };
  Kind kind = Kind::kWait;
  uint32_t message = 0;
  uint32_t position = 0;  // of the slot in its rank's order, for error messages

  bool operator==(const MessageAction&) const = default;
};

// [rank] What the hosts do as their HostPrograms say.
std::vector<std::vector<MessageAction>> message_actions(const Schedule& schedule, const MessageTable& messages);

// Checks by simulation that the actions end and that every receive gets the message that it is meant for. The rules are
// NCCL's: on each rank a communicator is a stream that works on one posted send or receive after the other; one ends
// when its partner is the first of the partner's stream; nothing is buffered; a wait blocks the host until its receive
// has ended. Streams do not hinder each other.
//
// Fails with kDeadlock and the cycle of ranks that wait for each other, or with kInvalid where a receive would get
// another message.
Status check_message_order(const Schedule& schedule, const MessageTable& messages,
                           std::span<const std::vector<MessageAction>> actions, Communicators communicators);

}  // namespace pipeloom
