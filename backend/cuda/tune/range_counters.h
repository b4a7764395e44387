#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/base/result.h"

namespace pipeloom::backend {

// Counts what the whole current GPU does while some work runs on it: whichever kernels, side by side as ever. Profilers
// that replay kernel by kernel would run them one after the other, and could not replay blocks that wait for each
// other; here the work itself is run again for every pass that the metrics need (CUPTI's range profiler,
// cupti_range_profiler.h, with ranges and replay by the user).
class RangeCounters {
 public:
  // Fails where counters can't be read: no rights, an old toolkit or driver, another profiler at work. `metrics`
  // outlive it. REQUIRES: a current CUDA context.
  static Result<std::unique_ptr<RangeCounters>> create(std::vector<const char*> metrics);
  virtual ~RangeCounters() = default;

  // [metric] of what `work` enqueues, which is waited for. Work that is not quite the same in each pass gives metrics
  // that are about right.
  virtual Result<std::vector<double>> count(const std::function<void()>& work) = 0;
};

}  // namespace pipeloom::backend
