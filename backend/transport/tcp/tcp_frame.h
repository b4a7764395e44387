#pragma once

#include <cstdint>
#include <optional>

#include "backend/transport/message_limits.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// Kinds of frames beside the channels, whose numbers are lower.
inline constexpr uint32_t kAbortFrame = 100;  // its bytes are the error's text
inline constexpr uint32_t kGoodbyeFrame = 101;
inline constexpr uint64_t kMostAbortBytes = 1 << 16;

// Before the bytes of every message. Plain bytes: all are machines of one kind.
struct FrameHeader {
  uint32_t kind = 0;  // a channel, or one of the above
  MessageTag tag = {};
  int64_t ready_ns = 0;
  uint64_t size = 0;
};

// Fails where no frame of the run has such a kind or size; nothing was allocated for it then.
Status check_frame(const FrameHeader& header, const MessageLimits& limits);
// The channel of a frame that check_frame() accepts; nullopt: it is an abort or a goodbye.
std::optional<Channel> channel_of(const FrameHeader& header);

}  // namespace pipeloom::backend
