#pragma once

#include "backend/device/table/device_table.h"

namespace pipeloom::backend {

// The devices of `pipeloom-run`, those that this build lacks among them.
DeviceTable linked_devices();

}  // namespace pipeloom::backend
