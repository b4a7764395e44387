#include <algorithm>
#include <array>

#include "planner/schedules/zero_bubble.h"
#include "planner/schedules/zero_bubble_inputs.h"

namespace pipeloom::planner {

namespace {

class RankOrder {
 public:
  RankOrder(int rank, const PipelineShape& shape)
      : rank_(rank), ranks_(shape.ranks), micro_batches_(shape.micro_batches) {}

  // Builds the order. The pattern needs 2*ranks-1 micro-batches; with fewer it runs for that many and leaves out those
  // that don't exist.
  std::vector<Slot> build() {
    const int pattern_length = std::max(2 * ranks_ - 1, micro_batches_);
    const int behind = ranks_ - rank_;
    repeat(2 * behind - 1, [&] { put(SlotKind::kF, 0); });
    repeat(rank_, [&] { put(SlotKind::kF, 1), put(SlotKind::kF, 0); });
    repeat(behind, [&] { put(SlotKind::kF, 1), put_backward(1); });
    while (forwards(1) < forwards(0) || forwards(0) < pattern_length) {
      if (forwards(0) < pattern_length) put(SlotKind::kF, 0);
      put_backward(0);
      put(SlotKind::kF, 1);
      put_backward(1);
    }
    repeat(rank_, [&] { put(SlotKind::kI, 0), put(SlotKind::kI, 1); });
    repeat(behind, [&] { put_backward(0); });
    for (const int chunk : {1, 0}) {
      while (next(SlotKind::kW, chunk) < next(SlotKind::kI, chunk)) put(SlotKind::kW, chunk);
    }
    return std::move(order_);
  }

 private:
  template <typename Body>
  static void repeat(int times, Body body) {
    for (int i = 0; i < times; ++i) body();
  }

  int& next(SlotKind kind, int chunk) { return next_[static_cast<size_t>(kind)][chunk]; }
  int forwards(int chunk) { return next(SlotKind::kF, chunk); }

  void put(SlotKind kind, int chunk) {
    const int micro_batch = next(kind, chunk)++;
    const int stage = chunk == 0 ? rank_ : 2 * ranks_ - 1 - rank_;
    if (micro_batch < micro_batches_) order_.push_back(Slot::pass(kind, stage, micro_batch));
  }

  void put_backward(int chunk) {
    put(SlotKind::kI, chunk);
    put(SlotKind::kW, chunk);
  }

  int rank_;
  int ranks_;
  int micro_batches_;
  std::array<std::array<int, 2>, 4> next_ = {};  // [kind][chunk] micro-batch
  std::vector<Slot> order_;
};

}  // namespace

// Follows PyTorch's ScheduleZBVZeroBubble (torch.distributed.pipelining), after Qi et al., "Zero Bubble Pipeline
// Parallelism", ICLR 2024, section 6.
Result<Schedule> zb_v_pytorch(const PipelineShape& shape) {
  PIPELOOM_RETURN_IF_ERROR(check_v_shape(shape));
  PIPELOOM_TRY(Placement placement, Placement::v(shape.ranks));
  RankOrders orders;
  for (int rank = 0; rank < shape.ranks; ++rank) orders.push_back(RankOrder(rank, shape).build());
  return Schedule::create(std::move(placement), shape.micro_batches, orders);
}

}  // namespace pipeloom::planner
