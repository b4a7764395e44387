#include "backend/transport/tcp/tcp_frame.h"

#include <fmt/format.h>

namespace pipeloom::backend {

std::optional<Channel> channel_of(const FrameHeader& header) {
  if (header.kind >= static_cast<uint32_t>(kChannels)) return std::nullopt;
  return static_cast<Channel>(header.kind);
}

Status check_frame(const FrameHeader& header, const MessageLimits& limits) {
  const std::optional<Channel> channel = channel_of(header);
  if (!channel && header.kind != kAbortFrame && header.kind != kGoodbyeFrame) {
    return invalid(fmt::format("a frame of kind {}, which there is not", header.kind));
  }
  const uint64_t other = header.kind == kAbortFrame ? kMostAbortBytes : 0;
  const uint64_t most = channel ? limits.of(*channel) : other;
  if (header.size <= most) return {};
  return invalid(
      fmt::format("a frame of kind {} with {} bytes; this run's have at most {}", header.kind, header.size, most));
}

}  // namespace pipeloom::backend
