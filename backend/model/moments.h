#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/job/formats.h"

namespace pipeloom::backend {

// Some of a stage's numbers.
struct NumberRange {
  int64_t begin = 0;
  int64_t count = 0;

  int64_t end() const { return begin + count; }
};

// Adam's two moments of a range of numbers, as they are stored. Zero at first.
class Moments {
 public:
  // REQUIRES: FP32 or BF16.
  Moments(const NumberRange& range, Format format);

  const NumberRange& range() const { return range_; }
  std::vector<float> first() const { return values(0); }
  std::vector<float> second() const { return values(range_.count); }
  // REQUIRES: as many numbers as the range has.
  void set(std::span<const float> first, std::span<const float> second);

  // As they are stored.
  std::span<std::byte> bytes() { return bytes_; }

 private:
  std::vector<float> values(int64_t begin) const;

  NumberRange range_;
  Format format_;
  std::vector<std::byte> bytes_;
};

// Of one number, both moments.
int64_t moment_bytes(Format format);

}  // namespace pipeloom::backend
