#include "proto/base/wire.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message_lite.h>
#include <google/protobuf/stubs/logging.h>

#include <climits>
#include <cstring>

namespace pipeloom::proto {

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

// False where the field's value is cut off or of no known type.
bool take_value(std::string_view* rest, WireField* field) {
  std::optional<uint64_t> number;
  std::optional<std::string_view> content;
  switch (field->tag & 7) {
    case kVarint:
      number = take_varint(rest);
      field->number = number.value_or(0);
      return number.has_value();
    case kFixed64:
      content = take(rest, sizeof field->number);
      if (content) std::memcpy(&field->number, content->data(), sizeof field->number);
      return content.has_value();
    case kFixed32:
      return take(rest, 4).has_value();
    case kLengthDelimited:
      number = take_varint(rest);
      if (number) content = take(rest, *number);
      field->content = content.value_or(std::string_view());
      return content.has_value();
    default:
      return false;
  }
}

}  // namespace

bool merge_fields(std::string_view bytes, google::protobuf::MessageLite* message) {
  if (bytes.size() > INT_MAX) return false;
  const google::protobuf::LogSilencer silencer;
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream coded(&stream);
  return message->MergeFromCodedStream(&coded) && coded.ConsumedEntireMessage();
}

std::optional<WireField> take_field(std::string_view* rest) {
  const std::string_view begin = *rest;
  const auto tag = take_varint(rest);
  if (!tag) return {};
  WireField field{.tag = *tag, .bytes = {}, .content = {}};
  if (!take_value(rest, &field)) return {};
  field.bytes = begin.substr(0, begin.size() - rest->size());
  return field;
}

}  // namespace pipeloom::proto
