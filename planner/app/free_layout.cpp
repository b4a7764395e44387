#include "planner/app/free_layout.h"

#include <fmt/format.h>

#include <chrono>

#include "core/base/units.h"
#include "planner/evaluate/evaluate.h"

namespace pipeloom::planner {

Result<FoundLayouts> find_layouts(const Job& job, const HeldFields& held, const LayoutSearchLimits& limits) {
  using Clock = std::chrono::steady_clock;
  if (!job.model) return invalid("--layout free needs a job with a model");
  const auto start = Clock::now();
  FoundLayouts found = {search_layouts(job, held, limits)};
  found.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (found.result.layouts.empty()) {
    return unsupported("no layout divides the GPUs, the model and the global batch as the held fields say");
  }
  if (!found.result.front.empty()) return found;
  return unsupported(fmt::format("none of {} layouts fits the memory: a GPU may use {}", found.result.considered.size(),
                                 format_bytes(memory_limit_bytes(job))));
}

}  // namespace pipeloom::planner
