#pragma once

#include "backend/device/table/device_kind.h"

namespace pipeloom::tests {

// A second accelerator: GPUs that this machine's CPUs emulate, as a row of its own beside `cuda`. They are everywhere,
// but what they measure of themselves says nothing of a GPU, so they have nothing to tune.
backend::DeviceKind emulated_row();

}  // namespace pipeloom::tests
