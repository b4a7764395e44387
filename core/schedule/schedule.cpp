#include "core/schedule/schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/schedule/batches.h"
#include "core/schedule/validate.h"

namespace pipeloom {

std::string pass_name(SlotKind kind, int micro_batch, int stage) {
  return fmt::format("{}{} of stage {}", slot_kind_name(kind), micro_batch, stage);
}

namespace {

FlatOrders flatten(const RankOrders& orders) {
  size_t slots = 0;
  for (const auto& order : orders) slots += order.size();
  FlatOrders flat(slots);
  for (const auto& order : orders) flat.push_back(order);
  return flat;
}

std::vector<uint16_t> all_on_pipe_0(int micro_batches) {
  return std::vector<uint16_t>(std::max(micro_batches, 0), 0);
}

}  // namespace

Schedule::Schedule(Placement placement, std::vector<uint16_t> pipe_of_micro_batch, FlatOrders orders)
    : placement_(std::move(placement)),
      pipe_of_micro_batch_(std::move(pipe_of_micro_batch)),
      slots_(std::move(orders.slots)),
      rank_begin_(std::move(orders.rank_begin)) {
  for (const Slot& slot : slots_) {
    passes_ += slot.passes();
    has_pairs_ |= slot.is_pair();
    has_input_pairs_ |= slot.kind == SlotKind::kFI;
    splits_backward_ |= slot.kind == SlotKind::kW;
  }
}

Result<Schedule> Schedule::create(Placement placement, std::vector<uint16_t> pipe_of_micro_batch, FlatOrders orders) {
  const int64_t micro_batches = static_cast<int64_t>(pipe_of_micro_batch.size());
  if (micro_batches < 1 || micro_batches > kMaxMicroBatches) {
    return invalid(fmt::format("micro_batches is {}; allowed are 1 to {}", micro_batches, kMaxMicroBatches));
  }
  if (orders.ranks() != placement.ranks()) {
    return invalid(
        fmt::format("the schedule has orders for {} ranks; the placement has {}", orders.ranks(), placement.ranks()));
  }
  for (size_t m = 0; m < pipe_of_micro_batch.size(); ++m) {
    if (pipe_of_micro_batch[m] >= placement.pipes()) {
      return invalid(fmt::format("micro-batch {} is on pipe {}; the placement has pipes 0 to {}", m,
                                 pipe_of_micro_batch[m], placement.pipes() - 1));
    }
  }
  Schedule schedule(std::move(placement), std::move(pipe_of_micro_batch), std::move(orders));
  // Checked before anything is allocated per pass: a file of a few bytes may claim a million micro-batches.
  const int64_t needed = 2 * int64_t{schedule.stages()} * micro_batches;
  if (needed > (1 << 20) && schedule.passes() < needed) {
    return invalid(fmt::format("passes are missing: the orders hold {}, {} stages and {} micro-batches need {}",
                               schedule.passes(), schedule.stages(), micro_batches, needed));
  }
  PIPELOOM_RETURN_IF_ERROR(check_complete(schedule));
  PIPELOOM_TRY(schedule.topological_order_, check_order(schedule));
  const bool moves_messages = std::any_of(schedule.slots_.begin(), schedule.slots_.end(), [](const Slot& slot) {
    return slot.send_later != 0 || slot.receive_early != 0;
  });
  if (moves_messages) PIPELOOM_RETURN_IF_ERROR(check_batch_order(schedule));
  return schedule;
}

Result<Schedule> Schedule::create(Placement placement, std::vector<uint16_t> pipe_of_micro_batch,
                                  const RankOrders& orders) {
  return create(std::move(placement), std::move(pipe_of_micro_batch), flatten(orders));
}

Result<Schedule> Schedule::create(Placement placement, int micro_batches, FlatOrders orders) {
  return create(std::move(placement), all_on_pipe_0(micro_batches), std::move(orders));
}

Result<Schedule> Schedule::create(Placement placement, int micro_batches, const RankOrders& orders) {
  return create(std::move(placement), micro_batches, flatten(orders));
}

int Schedule::rank_of_slot(uint32_t slot) const {
  const auto next = std::upper_bound(rank_begin_.begin(), rank_begin_.end(), slot);
  return static_cast<int>(next - rank_begin_.begin()) - 1;
}

}  // namespace pipeloom
