#pragma once

#include <cstdint>
#include <string_view>

namespace pipeloom {

// FNV-1a hash over 64-bit words, byte by byte. The value is the same on every machine. It tells plans and task graphs
// apart; it is not for secrets.
class Digest {
 public:
  template <typename... Values>
  void add(Values... values) {
    (add_word(static_cast<uint64_t>(values)), ...);
  }
  void add_bytes(std::string_view bytes) {
    for (const char byte : bytes) add_byte(static_cast<uint8_t>(byte));
  }
  uint64_t value() const { return value_; }

 private:
  void add_byte(uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001b3ull; }
  void add_word(uint64_t word) {
    for (int byte = 0; byte < 8; ++byte) add_byte(static_cast<uint8_t>(word >> (8 * byte)));
  }
  uint64_t value_ = 0xcbf29ce484222325ull;
};

}  // namespace pipeloom
