#include "proto/wire.h"

namespace pipeloom {

namespace {

enum WireType : unsigned { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

std::optional<uint64_t> take_varint(std::string_view* rest) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !rest->empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(rest->front());
    rest->remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return {};
}

std::optional<std::string_view> take(std::string_view* rest, uint64_t size) {
  if (size > rest->size()) return {};
  const std::string_view taken = rest->substr(0, size);
  rest->remove_prefix(size);
  return taken;
}

std::optional<std::string_view> take_content(std::string_view* rest, unsigned wire_type) {
  switch (wire_type) {
    case kVarint:
      return take_varint(rest) ? std::optional(std::string_view()) : std::nullopt;
    case kFixed64:
      return take(rest, 8);
    case kFixed32:
      return take(rest, 4);
    case kLengthDelimited:
      if (const auto size = take_varint(rest)) return take(rest, *size);
      return {};
    default:
      return {};
  }
}

}  // namespace

std::optional<WireField> take_field(std::string_view* rest) {
  const std::string_view begin = *rest;
  const auto tag = take_varint(rest);
  if (!tag) return {};
  const auto content = take_content(rest, static_cast<unsigned>(*tag & 7));
  if (!content) return {};
  return WireField{*tag, begin.substr(0, begin.size() - rest->size()), *content};
}

}  // namespace pipeloom
