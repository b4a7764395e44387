#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "backend/device/tuning/tuning.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// Measures a GPU for `pipeloom-run tune`: copies against method, SMs, chunk and message size; the forwarding dispatch
// and combine against SMs and chunk size; what a product and a memory-bound kernel lose beside every one of them, with
// and without cache hints, and L2's hit rates, where CUPTI's counters can be read. Medians of 5 runs after one to warm
// up; copies go through more memory than L2 holds. Should take about half a minute (never tried), and 5 GB.
// REQUIRES: why_no_gpu_here() is empty. An error where a call into CUDA fails.
inline constexpr int64_t kTuneBytes = 5'000'000'000;
Result<TuneMeasurements> measure_gpu(int device, const std::function<void(const std::string&)>& on_progress);

}  // namespace pipeloom::backend
