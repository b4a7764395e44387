#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/device/kernels/numbers.h"
#include "backend/device/kernels/stream.h"
#include "core/job/formats.h"

namespace pipeloom::backend {

// Dense BF16 matrices [rows, columns] as they wait for a later pass: BF16, E5M6 or FP8; packed and unpacked in
// backend/model/kept.h are the reference for the values. Here scales come first, [row][tile], then numbers, row by row.
int64_t stored_bytes(Format format, int64_t rows, int64_t columns);

void store(const SmStream& stream, Format format, const Bf16* values, int64_t rows, int64_t columns,
           unsigned char* stored);
void load(const SmStream& stream, Format format, const unsigned char* stored, int64_t rows, int64_t columns,
          Bf16* values);

}  // namespace pipeloom::backend
