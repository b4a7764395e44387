#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace google::protobuf {
class MessageLite;
}

namespace pipeloom::proto {

// Adds serialised fields to the message; false where they are malformed. Prints nothing, which protobuf would do.
bool merge_fields(std::string_view bytes, google::protobuf::MessageLite* message);

// One field of a serialised message, for reading a long message piece by piece
// (protobuf's encoding: protobuf.dev/programming-guides/encoding).
struct WireField {
  uint64_t tag = 0;
  std::string_view bytes;    // tag and all: itself a message with this one field
  std::string_view content;  // of a length-delimited field
  uint64_t number = 0;       // of a varint, or of eight bytes
};

// Takes the first field off `rest`; nothing where it is malformed or cut off. REQUIRES: rest is not empty.
std::optional<WireField> take_field(std::string_view* rest);

// Tags of the fields with this number.
constexpr uint64_t varint_tag(int number) {
  return static_cast<uint64_t>(number) << 3;
}
constexpr uint64_t fixed64_tag(int number) {
  return varint_tag(number) | 1;
}
constexpr uint64_t length_delimited_tag(int number) {
  return varint_tag(number) | 2;
}

}  // namespace pipeloom::proto
