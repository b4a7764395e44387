#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "backend/device/tuning/tuning.h"

namespace pipeloom::backend {

// Measures a GPU for `pipeloom-run tune` (measure in backend/device/measure/measure.h). Should take about half a minute
// (never tried), and 5 GB. REQUIRES: why_no_gpu_here() is empty. An error where a call into CUDA fails.
inline constexpr int64_t kTuneBytes = 5'000'000'000;
Result<TuneMeasurements> measure_gpu(int device, const std::function<void(const std::string&)>& on_progress);

}  // namespace pipeloom::backend
