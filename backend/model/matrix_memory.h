#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace pipeloom::backend {

// What the matrices that a thread has made hold. A rank is a thread, so this is what its activations take.
struct MatrixMemory {
  int64_t bytes = 0;
  int64_t peak_bytes = 0;
  int64_t kept_bytes = 0;  // of them, what waits for a later pass
};
enum class Counted : uint8_t { kAny, kKept };
inline MatrixMemory& matrix_memory() {
  static thread_local MatrixMemory memory;
  return memory;
}

// Goes with an array of so many bytes and counts them, on the thread where each change happens.
class CountedBytes {
 public:
  CountedBytes() = default;
  explicit CountedBytes(int64_t bytes, Counted as = Counted::kAny) : bytes_(bytes), as_(as) { count(bytes_); }
  CountedBytes(const CountedBytes& other) : CountedBytes(other.bytes_, other.as_) {}
  CountedBytes(CountedBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, 0)), as_(other.as_) {}
  CountedBytes& operator=(CountedBytes other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(as_, other.as_);
    return *this;
  }
  ~CountedBytes() { count(-bytes_); }
  bool operator==(const CountedBytes&) const = default;

 private:
  void count(int64_t bytes) const {
    MatrixMemory& memory = matrix_memory();
    memory.bytes += bytes;
    if (as_ == Counted::kKept) memory.kept_bytes += bytes;
    memory.peak_bytes = std::max(memory.peak_bytes, memory.bytes);
  }

  int64_t bytes_ = 0;
  Counted as_ = Counted::kAny;
};

}  // namespace pipeloom::backend
