#pragma once

#include <cstdint>

namespace pipeloom::emulation {

// The clock of kernels that are run as they are launched: when the last of them ended.
int64_t immediate_now_ns();

}  // namespace pipeloom::emulation
