#pragma once

#include "backend/device/table/device_kind.h"

namespace pipeloom::backend {

// The CPUs of the machines that a run has: the reference for all other devices.
DeviceKind cpu_row();

}  // namespace pipeloom::backend
