#pragma once

#include "backend/device/table/device_kind.h"

namespace pipeloom::backend {

// NVIDIA GPUs: all ranks on one of this process, or, where processes were started for them, each on a GPU of its own.
DeviceKind cuda_row();

}  // namespace pipeloom::backend
