#pragma once

#include "backend/device/table/device_kind.h"

namespace pipeloom::backend {

// What `cuda` is and can do, whether or not a build has it. backend/cuda/row/ adds what runs it; a build without says
// why in `missing`.
DeviceKind cuda_outline();

}  // namespace pipeloom::backend
