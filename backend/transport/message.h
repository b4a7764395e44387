#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pipeloom::backend {

// Messages of one channel from one rank to another arrive in the order in which they were sent.
enum class Channel : uint8_t {
  kForward = 0,
  kBackward = 1,
  kForwardCredit = 2,  // for a message of kForward that went the other way
  kBackwardCredit = 3,
  kExpert = 4,
  kReduction = 5,
  kControl = 6,
};
inline constexpr int kChannels = 7;

// What a message is about. The receiver knows what comes next and holds it against this: a wrong order ends in an
// error, never in wrong numbers.
struct MessageTag {
  int32_t step = 0;
  int32_t stage = 0;
  int32_t micro_batch = 0;  // or which part of a reduction
  int32_t layer = 0;        // of an exchange between experts

  bool operator==(const MessageTag&) const = default;
};

struct Message {
  MessageTag tag;
  int64_t ready_ns = 0;  // when the receiver may have it, on the steady clock; paced runs delay messages
  std::vector<std::byte> bytes;
};

}  // namespace pipeloom::backend
