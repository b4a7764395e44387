#include <fmt/format.h>

#include "planner/schedules/placements.h"
#include "planner/schedules/schedules.h"
#include "planner/schedules/virtual_slots.h"

namespace pipeloom::planner {

namespace {

// The grid on which the passes of one round lie, with `forwards_per_slot` micro-batches of a pipe in one forward slot.
struct Grid {
  int forwards_per_slot = 1;
  // Slots from one round to the next: the fewest that keep the passes of two rounds apart on every rank.
  int64_t round_slots = 0;
};

// The place of a micro-batch. Micro-batches fill a round pipe by pipe; in a round that is not full, the last pipes stay
// empty.
struct Seat {
  int round = 0;
  int pipe = 0;
  int within = 0;  // number among the pipe's micro-batches of the round
};

Seat seat_of(int micro_batch, int per_pipe, int pipes) {
  const int block = micro_batch / per_pipe;
  return {block / pipes, block % pipes, micro_batch % per_pipe};
}

Result<Schedule> on_grid(const PipelineShape& shape, Placement placement, const Grid& grid) {
  const int stages = placement.stages();
  const int per_pipe = shape.ranks / placement.pipes() * grid.forwards_per_slot;
  std::vector<uint16_t> pipe_of_micro_batch(shape.micro_batches);
  VirtualSlots slots(shape.ranks, 2 * static_cast<size_t>(shape.micro_batches));
  for (int m = 0; m < shape.micro_batches; ++m) {
    const Seat seat = seat_of(m, per_pipe, placement.pipes());
    pipe_of_micro_batch[m] = static_cast<uint16_t>(seat.pipe);
    const int64_t begin = seat.round * grid.round_slots;
    const int64_t enters = begin + 2 * (seat.within / grid.forwards_per_slot);
    const int64_t returns = begin + 2 * stages - 1 + 2 * seat.within;
    for (int stage = 0; stage < stages; ++stage) {
      const int rank = placement.rank_of(seat.pipe, stage);
      slots.put(rank, enters + stage, Slot::forward(stage, m));
      slots.put(rank, returns - stage, Slot::backward(stage, m));
    }
  }
  return Schedule::create(std::move(placement), std::move(pipe_of_micro_batch), std::move(slots).orders());
}

}  // namespace

// Concatenates rounds directly (Chimera, SC21, section 3.5). The reference loses passes from the third round on; this
// code does not.
Result<Schedule> chimera(const PipelineShape& shape) {
  PIPELOOM_TRY(Placement placement, chimera_placement(shape));
  return on_grid(shape, std::move(placement), {1, int64_t{2} * shape.ranks});
}

// Doubles forwards (section 3.5, our reading): two micro-batches in one forward slot make it as long as a backward with
// recomputation. A round then has P forward and 2P backward slots on each rank.
Result<Schedule> chimera_doubling(const PipelineShape& shape) {
  PIPELOOM_TRY(Placement placement, chimera_placement(shape));
  return on_grid(shape, std::move(placement), {2, int64_t{3} * shape.ranks});
}

// Halves backwards (section 3.5, our reading): uses forward doubling's grid with half micro-batches, so nothing is
// recomputed.
Result<Schedule> chimera_halving(const PipelineShape& shape) {
  if (shape.micro_batches % 2 != 0) {
    return unsupported(
        fmt::format("micro_batches is {}; backward halving counts half micro-batches and needs an even number",
                    shape.micro_batches));
  }
  return chimera_doubling(shape);
}

Result<Job> with_full_recompute(Job job) {
  job.recompute = Recompute::kFull;
  return job;
}

Result<Job> with_half_micro_batches(Job job) {
  if (job.batch.micro_batch_size % 2 != 0) {
    return unsupported(
        fmt::format("batch.micro_batch_size is {}; backward halving cuts it in half", job.batch.micro_batch_size));
  }
  job.batch.micro_batch_size /= 2;
  job.micro_batches *= 2;
  return job;
}

}  // namespace pipeloom::planner
