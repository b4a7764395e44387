#include "core/schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/validate.h"

namespace pipeloom {

std::string pass_name(SlotKind kind, int micro_batch, int stage) {
  return fmt::format("{}{} of stage {}", slot_kind_name(kind), micro_batch, stage);
}

Schedule::Schedule(Placement placement, std::vector<uint16_t> pipe_of_micro_batch)
    : placement_(std::move(placement)), pipe_of_micro_batch_(std::move(pipe_of_micro_batch)) {}

void Schedule::flatten(const RankOrders& orders) {
  size_t count = 0;
  for (const auto& order : orders) count += order.size();
  slots_.reserve(count);
  rank_begin_.push_back(0);
  for (const auto& order : orders) {
    slots_.insert(slots_.end(), order.begin(), order.end());
    rank_begin_.push_back(static_cast<uint32_t>(slots_.size()));
  }
  for (const Slot& slot : slots_) {
    passes_ += slot.passes();
    has_pairs_ |= slot.kind == SlotKind::kFB;
    splits_backward_ |= slot.kind == SlotKind::kW;
  }
}

Result<Schedule> Schedule::create(Placement placement, std::vector<uint16_t> pipe_of_micro_batch,
                                  const RankOrders& orders) {
  const int64_t micro_batches = static_cast<int64_t>(pipe_of_micro_batch.size());
  if (micro_batches < 1 || micro_batches > kMaxMicroBatches) {
    return invalid(fmt::format("micro_batches is {}; allowed are 1 to {}", micro_batches, kMaxMicroBatches));
  }
  if (static_cast<int>(orders.size()) != placement.ranks()) {
    return invalid(
        fmt::format("the schedule has orders for {} ranks; the placement has {}", orders.size(), placement.ranks()));
  }
  for (size_t m = 0; m < pipe_of_micro_batch.size(); ++m) {
    if (pipe_of_micro_batch[m] >= placement.pipes()) {
      return invalid(fmt::format("micro-batch {} is on pipe {}; the placement has pipes 0 to {}", m,
                                 pipe_of_micro_batch[m], placement.pipes() - 1));
    }
  }
  Schedule schedule(std::move(placement), std::move(pipe_of_micro_batch));
  schedule.flatten(orders);
  PIPELOOM_CHECK_OK(check_complete(schedule));
  PIPELOOM_TRY(schedule.topological_order_, check_order(schedule));
  return schedule;
}

Result<Schedule> Schedule::create(Placement placement, int micro_batches, const RankOrders& orders) {
  return create(std::move(placement), std::vector<uint16_t>(std::max(micro_batches, 0), 0), orders);
}

int Schedule::rank_of_slot(uint32_t slot) const {
  const auto next = std::upper_bound(rank_begin_.begin(), rank_begin_.end(), slot);
  return static_cast<int>(next - rank_begin_.begin()) - 1;
}

}  // namespace pipeloom
