#pragma once

#include <cstdint>

#include "backend/device/kernels/stream.h"

namespace pipeloom::backend {

// Keeps every SM of `stream` busy for `duration_ns` from when each block really starts: one block on each SM, alone
// there. Waits by the clock only, never for another kernel. `seen`, unless null: a bit for each SM that a block ran on
// is set, SM i in word i / 32.
void occupy(const SmStream& stream, int64_t duration_ns, uint32_t* seen);

}  // namespace pipeloom::backend
