#pragma once

#include <cstdint>

namespace pipeloom {

// FNV-1a over 64-bit words, byte by byte: the same value on every machine, for telling plans and task graphs apart. Not
// for secrets.
class Digest {
 public:
  template <typename... Values>
  void add(Values... values) {
    (add_word(static_cast<uint64_t>(values)), ...);
  }
  uint64_t value() const { return value_; }

 private:
  void add_word(uint64_t word) {
    for (int byte = 0; byte < 8; ++byte) {
      value_ = (value_ ^ (word & 0xff)) * 0x100000001b3ull;
      word >>= 8;
    }
  }
  uint64_t value_ = 0xcbf29ce484222325ull;
};

}  // namespace pipeloom
