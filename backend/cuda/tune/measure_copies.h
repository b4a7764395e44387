#pragma once

#include <vector>

#include "backend/device/tuning/tuning.h"

namespace pipeloom::backend {

// On the current device, which has so many SMs.
std::vector<MeasuredCopy> measure_copies(int device_sms);
// Bytes read and written per second by the fastest copy on all SMs.
double measure_memory(int device_sms);

}  // namespace pipeloom::backend
