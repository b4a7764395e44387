#pragma once

#include <functional>
#include <string>

#include "backend/device/measure/measured_device.h"

namespace pipeloom::backend {

// Measures a device for `pipeloom-run tune`: copies against method, SMs, piece and message size; the forwarding
// dispatch and combine against SMs and piece size; what a product and a memory-bound kernel lose beside every one of
// them, with and without cache hints, and L2's hit rates, where counters can be read. Medians of 5 runs after one to
// warm up; copies go through more memory than L2 holds.
TuneMeasurements measure(MeasuredDevice& device, const std::function<void(const std::string&)>& on_progress);

}  // namespace pipeloom::backend
