#pragma once

#include "backend/device/measure/exchange_on_gpu.h"
#include "backend/device/tuning/tuning.h"

namespace pipeloom::backend {

// Times a product and a memory-bound kernel beside every communication kernel, with and without cache hints. The
// communication kernel runs all the time on 20 SMs, as DeepSeek-V3's do; the other kernel has the other SMs. Then
// counts what the L2 of the whole GPU holds meanwhile. If counters can't be read, the reason is kept.
void measure_variants(MeasuredDevice& device, ExchangeOnGpu& exchange, TuneMeasurements& measured);

}  // namespace pipeloom::backend
