#pragma once

#include <array>
#include <cstdint>

#include "backend/transport/message.h"

namespace pipeloom::backend {

// The most bytes that a message of each channel may have. What another process announces is held against it before
// memory is taken for it.
struct MessageLimits {
  std::array<uint64_t, kChannels> bytes = {};

  static MessageLimits same(uint64_t most_bytes) {
    MessageLimits limits;
    limits.bytes.fill(most_bytes);
    return limits;
  }
  uint64_t of(Channel channel) const { return bytes[static_cast<size_t>(channel)]; }
};

}  // namespace pipeloom::backend
