#include "planner/schedules/zero_bubble_inputs.h"

#include <fmt/format.h>

#include "core/base/check.h"

namespace pipeloom::planner {

namespace {

// Keeps sums over all micro-batches of a step (2^20) within int64.
constexpr int64_t kMaxSize = int64_t{1} << 42;

}  // namespace

Status check_micro_batches(const PipelineShape& shape) {
  if (shape.micro_batches >= 1 && shape.micro_batches <= Schedule::kMaxMicroBatches) return {};
  return invalid(
      fmt::format("micro_batches is {}; allowed are 1 to {}", shape.micro_batches, Schedule::kMaxMicroBatches));
}

Status check_v_shape(const PipelineShape& shape) {
  if (shape.chunks != 0 && shape.chunks != 2) {
    return unsupported(fmt::format("chunks is {}; a V has exactly 2 per rank", shape.chunks));
  }
  return check_micro_batches(shape);
}

Result<std::vector<ActivationSize>> activation_sizes(const ScheduleInputs& inputs, int stages) {
  PIPELOOM_THROW_UNLESS(inputs.costs.stages() == stages);
  if (inputs.activations.empty()) return std::vector<ActivationSize>(stages, ActivationSize{1, 1});
  PIPELOOM_THROW_UNLESS(static_cast<int>(inputs.activations.size()) == stages);
  for (int stage = 0; stage < stages; ++stage) {
    const ActivationSize& size = inputs.activations[stage];
    const auto check = [stage](const char* what, int64_t bytes) -> Status {
      if (bytes >= 0 && bytes <= kMaxSize) return {};
      return invalid(
          fmt::format("activations of stage {}: {} is {}; allowed are 0 to {}", stage, what, bytes, kMaxSize));
    };
    PIPELOOM_RETURN_IF_ERROR(check("total", size.total));
    PIPELOOM_RETURN_IF_ERROR(check("kept_for_weight", size.kept_for_weight));
  }
  return std::vector<ActivationSize>(inputs.activations.begin(), inputs.activations.end());
}

Status check_memory_limit(int64_t limit, int64_t largest) {
  if (limit >= largest) return {};
  return unsupported(fmt::format("memory_limit is {}; one micro-batch of one stage already holds {}", limit, largest));
}

}  // namespace pipeloom::planner
