#include "planner/evaluate/memory_interval.h"

#include "planner/evaluate/rank_memory.h"
#include "sim/cost/memory_counters.h"

namespace pipeloom::planner {

namespace {

std::optional<MemoryInterval> interval(const sim::MemoryErrors& errors, int64_t predicted_bytes) {
  const auto predicted = static_cast<double>(predicted_bytes);
  return MemoryInterval{static_cast<int64_t>(predicted * (1 + errors.low)),
                        static_cast<int64_t>(predicted * (1 + errors.high))};
}

}  // namespace

std::optional<MemoryInterval> memory_interval(const Job& job, std::string_view counter, int64_t predicted_bytes) {
  if (!job.software) return std::nullopt;
  if (counter == "reserved") return interval(sim::kReservedErrors, predicted_bytes);
  if (counter == "nvidia-smi") return interval(sim::kDriverErrors, predicted_bytes);
  return std::nullopt;
}

std::optional<MemoryInterval> peak_interval(const Job& job, int64_t predicted_bytes) {
  if (!job.software) return std::nullopt;
  // Only with DeepSpeed was measured what lies outside of the allocator; elsewhere it is small.
  const bool driver = job.software->engine == StateEngine::kDeepSpeed;
  return memory_interval(job, driver ? "nvidia-smi" : "reserved", predicted_bytes);
}

bool may_not_fit(const Job& job, int64_t predicted_bytes) {
  const int64_t limit = memory_limit_bytes(job);
  const auto peak = peak_interval(job, predicted_bytes);
  return peak && predicted_bytes <= limit && peak->high_bytes > limit;
}

}  // namespace pipeloom::planner
