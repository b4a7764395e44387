#include "planner/schedules/placements.h"

#include <fmt/format.h>

#include <string_view>

#include "core/schedule/schedule.h"

namespace pipeloom::planner {

namespace {

// Most (stage, micro-batch) allowed. Their slots take 4 GiB; beyond this a machine rather runs out of memory.
constexpr int64_t kMaxCells = int64_t{1} << 27;

Status check_at_least(std::string_view field, int value, int least) {
  if (value >= least) return {};
  return invalid(fmt::format("{} is {}; at least {} is allowed", field, value, least));
}

Status check_shape(const PipelineShape& shape) {
  PIPELOOM_RETURN_IF_ERROR(check_at_least("ranks", shape.ranks, 1));
  PIPELOOM_RETURN_IF_ERROR(check_at_least("micro_batches", shape.micro_batches, 1));
  PIPELOOM_RETURN_IF_ERROR(check_at_least("chunks", shape.chunks, 0));
  PIPELOOM_RETURN_IF_ERROR(check_at_least("group", shape.group, 0));
  PIPELOOM_RETURN_IF_ERROR(check_at_least("pipe_pairs", shape.pipe_pairs, 1));
  PIPELOOM_RETURN_IF_ERROR(check_at_least("waves", shape.waves, 1));
  if (shape.micro_batches > Schedule::kMaxMicroBatches) {
    return invalid(
        fmt::format("micro_batches is {}; at most {} are allowed", shape.micro_batches, Schedule::kMaxMicroBatches));
  }
  return {};
}

Result<Placement> checked(const PipelineShape& shape, Result<Placement> placement) {
  PIPELOOM_RETURN_IF_ERROR(check_shape(shape));
  if (placement && int64_t{placement->stages()} * shape.micro_batches > kMaxCells) {
    return unsupported(fmt::format("micro_batches is {} over {} stages; the product may be at most {}",
                                   shape.micro_batches, placement->stages(), kMaxCells));
  }
  return placement;
}

}  // namespace

Result<Placement> linear_placement(const PipelineShape& shape) {
  return checked(shape, Placement::linear(shape.ranks));
}

Result<Placement> looped_placement(const PipelineShape& shape) {
  return checked(shape, Placement::looped(shape.ranks, shape.chunks == 0 ? kDefaultChunks : shape.chunks));
}

Result<Placement> v_placement(const PipelineShape& shape) {
  return checked(shape, Placement::v(shape.ranks));
}

Result<Placement> wave_placement(const PipelineShape& shape) {
  return checked(shape, Placement::wave(shape.ranks, shape.waves));
}

Result<Placement> dualpipe_placement(const PipelineShape& shape) {
  if (shape.ranks >= 1 && shape.ranks % 2 != 0) {
    return unsupported(fmt::format("ranks is {}; DualPipe needs an even number", shape.ranks));
  }
  return checked(shape, Placement::bidirectional(shape.ranks, 1));
}

Result<Placement> chimera_placement(const PipelineShape& shape) {
  if (shape.ranks >= 1 && shape.pipe_pairs >= 1 && shape.ranks % (2 * int64_t{shape.pipe_pairs}) != 0) {
    return unsupported(fmt::format("ranks is {} with pipe_pairs {}; Chimera needs a multiple of 2*pipe_pairs = {}",
                                   shape.ranks, shape.pipe_pairs, 2 * int64_t{shape.pipe_pairs}));
  }
  return checked(shape, Placement::bidirectional(shape.ranks, shape.pipe_pairs));
}

}  // namespace pipeloom::planner
