#include <fmt/format.h>

#include "planner/schedules/interleaving.h"
#include "planner/schedules/placements.h"
#include "planner/schedules/schedules.h"
#include "planner/schedules/steady.h"

namespace pipeloom::planner {

// Follows Megatron's combined 1F1B (overlap_moe_expert_parallel_comm): one more forward in the warm-up makes the
// forward and the backward of each steady step independent.
Result<Schedule> interleaved_one_f_one_b_overlap(const PipelineShape& shape) {
  PIPELOOM_TRY(Placement placement, looped_placement(shape));
  const int chunks = placement.chunks_per_rank();
  if (shape.ranks > 1 && chunks < 2) {
    return unsupported(fmt::format("chunks is {}; with more than one rank at least 2 are needed", chunks));
  }
  PIPELOOM_TRY(const Interleaving visits, Interleaving::create(shape, chunks));
  FlatOrders orders(2 * static_cast<size_t>(shape.ranks) * visits.count());
  for (int rank = 0; rank < shape.ranks; ++rank) {
    const int warm_up = 2 * (shape.ranks - 1 - rank) + (chunks - 1) * visits.group() + 1;
    orders.push_back(overlapped_order(
        visits.count(), warm_up, [&](int k) { return visits.forward(rank, k); },
        [&](int k) { return visits.backward(rank, k); }));
  }
  return Schedule::create(std::move(placement), shape.micro_batches, std::move(orders));
}

}  // namespace pipeloom::planner
