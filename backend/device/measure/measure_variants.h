#pragma once

#include "backend/device/measure/exchange_on_gpu.h"
#include "backend/device/tuning/tuning.h"

namespace pipeloom::backend {

// Measures a product and a memory-bound kernel beside every communication kernel,
// with and without cache hints, that runs all the time on DeepSeek-V3's 20 SMs while they have the others. Then,
// counted rather than timed, what L2 holds for the whole GPU meanwhile; where counters can't be read the reason is
// kept.
void measure_variants(MeasuredDevice& device, ExchangeOnGpu& exchange, TuneMeasurements& measured);

}  // namespace pipeloom::backend
