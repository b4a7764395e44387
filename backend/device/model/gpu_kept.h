#pragma once

#include "backend/device/kernels/kept_kernels.h"
#include "backend/device/model/arena.h"

namespace pipeloom::backend {

// A matrix that waits for a later pass in its format, as Kept in backend/model/kept.h; in memory of its own.
class GpuKept {
 public:
  GpuKept() = default;
  GpuKept(Arena& arena, Format format, int64_t rows, int64_t columns)
      : format_(format),
        rows_(rows),
        columns_(columns),
        stored_(arena.take<unsigned char>(stored_bytes(format, rows, columns))) {}

  // Where values that will be kept are best put: here where they are kept as they are, else in `scratch`.
  Bf16* place(Bf16* scratch) const { return as_is() ? numbers() : scratch; }
  void keep(const SmStream& stream, const Bf16* values) const {
    if (values != numbers()) store(stream, format_, values, rows_, columns_, stored_);
  }
  // Values that wait: here, or in `scratch`.
  const Bf16* values(const SmStream& stream, Bf16* scratch) const {
    if (as_is()) return numbers();
    load(stream, format_, stored_, rows_, columns_, scratch);
    return scratch;
  }

 private:
  bool as_is() const { return format_ == Format::kBf16; }
  Bf16* numbers() const { return reinterpret_cast<Bf16*>(stored_); }

  Format format_ = Format::kBf16;
  int64_t rows_ = 0;
  int64_t columns_ = 0;
  unsigned char* stored_ = nullptr;
};

}  // namespace pipeloom::backend
