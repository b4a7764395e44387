#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace pipeloom::backend {

// Lays arrays out one after the other in memory that something else owns, each at a multiple of 256 bytes (what
// cuBLASLt's fastest kernels ask for). Without memory it measures: what it gives must then not be touched.
class Arena {
 public:
  explicit Arena(std::byte* base = nullptr) : base_(base) {}

  template <typename Number>
  Number* take(int64_t count) {
    const int64_t begin = size_bytes_;
    size_bytes_ += (count * static_cast<int64_t>(sizeof(Number)) + kAlignment - 1) / kAlignment * kAlignment;
    peak_bytes_ = std::max(peak_bytes_, size_bytes_);
    return base_ == nullptr ? nullptr : reinterpret_cast<Number*>(base_ + begin);
  }
  int64_t peak_bytes() const { return peak_bytes_; }

  // What was taken since a mark is free again: for arrays that are not used at the same time.
  int64_t mark() const { return size_bytes_; }
  void rewind(int64_t mark) { size_bytes_ = mark; }

 private:
  static constexpr int64_t kAlignment = 256;

  std::byte* base_;
  int64_t size_bytes_ = 0;
  int64_t peak_bytes_ = 0;
};

}  // namespace pipeloom::backend
