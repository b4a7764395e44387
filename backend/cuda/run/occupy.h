#pragma once

#include <cstdint>

#include "backend/cuda/run/task_launcher.h"

namespace pipeloom {

// Keeps every SM of `place` busy for `duration_ns` from when each block really starts: one block on each SM, alone
// there. Waits by the clock only, never for another kernel. `seen`, unless null: a bit for each SM that a block ran on
// is set, SM i in word i / 32.
void occupy(const LaunchPlace& place, int64_t duration_ns, uint32_t* seen);

}  // namespace pipeloom
