#pragma once

#include <vector>

#include "backend/device/measure/measured_device.h"

namespace pipeloom::backend {

// Measures copies against method, SMs, piece and message.
std::vector<MeasuredCopy> measure_copies(MeasuredDevice& device);
// Returns the bytes read and written per second by the fastest copy on all SMs.
double measure_memory(MeasuredDevice& device);

}  // namespace pipeloom::backend
