#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pipeloom {

// One field of a serialised message, for reading a long message piece by piece
// (protobuf's encoding: protobuf.dev/programming-guides/encoding).
struct WireField {
  uint64_t tag = 0;
  std::string_view bytes;    // tag and all: itself a message with this one field
  std::string_view content;  // of a length-delimited field
};

// Takes the first field off `rest`; nothing where it is malformed or cut off. REQUIRES: rest is not empty.
std::optional<WireField> take_field(std::string_view* rest);

// The tag of a length-delimited field.
constexpr uint64_t length_delimited(int number) { return static_cast<uint64_t>(number) << 3 | 2; }

}  // namespace pipeloom
