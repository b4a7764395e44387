#include "proto/plan/schedule_message.h"

#include <algorithm>

#include "proto/base/columns.h"
#include "proto/plan/plan.pb.h"

namespace pipeloom::proto {

namespace {

static_assert(static_cast<int>(PlacementKind::kLinear) == message::Placement::LINEAR);
static_assert(static_cast<int>(PlacementKind::kLooped) == message::Placement::LOOPED);
static_assert(static_cast<int>(PlacementKind::kV) == message::Placement::V);
static_assert(static_cast<int>(PlacementKind::kWave) == message::Placement::WAVE);
static_assert(static_cast<int>(PlacementKind::kBidirectional) == message::Placement::BIDIRECTIONAL);
static_assert(static_cast<int>(SlotKind::kF) == message::Schedule::F);
static_assert(static_cast<int>(SlotKind::kB) == message::Schedule::B);
static_assert(static_cast<int>(SlotKind::kI) == message::Schedule::I);
static_assert(static_cast<int>(SlotKind::kW) == message::Schedule::W);
static_assert(static_cast<int>(SlotKind::kFB) == message::Schedule::FB);
static_assert(static_cast<int>(SlotKind::kFI) == message::Schedule::FI);

void store_placement(const Placement& placement, message::Placement* message) {
  message->set_kind(static_cast<message::Placement::Kind>(placement.kind()));
  message->set_ranks(placement.ranks());
  message->set_stages(placement.stages());
  message->set_pipes(placement.pipes());
}

Result<Placement> create_placement(PlacementKind kind, int ranks, int stages, int pipes) {
  switch (kind) {
    case PlacementKind::kLinear:
      return Placement::linear(ranks);
    case PlacementKind::kLooped:
      return Placement::looped(ranks, stages / ranks);
    case PlacementKind::kV:
      return Placement::v(ranks);
    case PlacementKind::kWave:
      return Placement::wave(ranks, stages / ranks / 2);
    case PlacementKind::kBidirectional:
      return Placement::bidirectional(ranks, pipes / 2);
  }
  return invalid(fmt::format("placement.kind is {}; allowed are 0 to {}", static_cast<int>(kind),
                             static_cast<int>(PlacementKind::kBidirectional)));
}

Result<Placement> load_placement(const message::Placement& message) {
  if (message.ranks() < 1)
    return invalid(fmt::format("placement.ranks is {}; allowed are 1 and more", message.ranks()));
  PIPELOOM_TRY(Placement placement, create_placement(static_cast<PlacementKind>(message.kind()), message.ranks(),
                                                     message.stages(), message.pipes()));
  if (placement.stages() != message.stages() || placement.pipes() != message.pipes()) {
    return invalid(fmt::format("a {} placement of {} ranks can't have {} stages and {} pipes",
                               placement_name(placement.kind()), message.ranks(), message.stages(), message.pipes()));
  }
  return placement;
}

void store_slot(const Slot& slot, int micro_batch_before, message::Slots* columns) {
  columns->add_kind(static_cast<message::Schedule::SlotKind>(slot.kind));
  columns->add_stage(slot.stage);
  columns->add_micro_batch_step(slot.micro_batch - micro_batch_before);
  if (slot.is_pair()) {
    columns->add_backward_stage(slot.backward_stage);
    columns->add_backward_micro_batch(slot.backward_micro_batch - slot.micro_batch);
  }
  columns->add_send_later(slot.send_later);
  columns->add_receive_early(slot.receive_early);
}

void store_slots(std::span<const Slot> slots, message::Slots* columns) {
  int before = 0;
  for (const Slot& slot : slots) {
    store_slot(slot, before, columns);
    before = slot.micro_batch;
  }
  if (std::ranges::none_of(slots, &Slot::send_later)) columns->clear_send_later();
  if (std::ranges::none_of(slots, &Slot::receive_early)) columns->clear_receive_early();
}

// Reads the columns one slot after the other.
class SlotReader {
 public:
  explicit SlotReader(const message::Slots& columns) : columns_(columns) {}

  Status check_columns() const {
    const int size = columns_.kind_size();
    const auto pairs = std::ranges::count_if(
        columns_.kind(), [](int kind) { return kind == message::Schedule::FB || kind == message::Schedule::FI; });
    PIPELOOM_RETURN_IF_ERROR(check_column_size("slots.stage", columns_.stage_size(), size));
    PIPELOOM_RETURN_IF_ERROR(check_column_size("slots.micro_batch_step", columns_.micro_batch_step_size(), size));
    PIPELOOM_RETURN_IF_ERROR(check_column_size("slots.backward_stage", columns_.backward_stage_size(), pairs));
    PIPELOOM_RETURN_IF_ERROR(
        check_column_size("slots.backward_micro_batch", columns_.backward_micro_batch_size(), pairs));
    if (columns_.send_later_size() > 0) {
      PIPELOOM_RETURN_IF_ERROR(check_column_size("slots.send_later", columns_.send_later_size(), size));
    }
    if (columns_.receive_early_size() > 0) {
      PIPELOOM_RETURN_IF_ERROR(check_column_size("slots.receive_early", columns_.receive_early_size(), size));
    }
    return {};
  }

  int left() const { return columns_.kind_size() - next_; }

  // REQUIRES: left() > 0.
  Result<Slot> next() {
    const int i = next_++;
    const int kind = columns_.kind(i);
    if (!message::Schedule::SlotKind_IsValid(kind)) return out_of_range("kind", kind);
    Slot slot;
    slot.kind = static_cast<SlotKind>(kind);
    PIPELOOM_RETURN_IF_ERROR(fit("stage", columns_.stage(i), slot.stage));
    micro_batch_ += columns_.micro_batch_step(i);
    PIPELOOM_RETURN_IF_ERROR(fit("micro-batch", micro_batch_, slot.micro_batch));
    if (slot.is_pair()) PIPELOOM_RETURN_IF_ERROR(read_backward(slot));
    if (columns_.send_later_size() > 0)
      PIPELOOM_RETURN_IF_ERROR(fit("send_later", columns_.send_later(i), slot.send_later));
    if (columns_.receive_early_size() > 0) {
      PIPELOOM_RETURN_IF_ERROR(fit("receive_early", columns_.receive_early(i), slot.receive_early));
    }
    return slot;
  }

 private:
  Status read_backward(Slot& slot) {
    const int i = next_pair_++;
    PIPELOOM_RETURN_IF_ERROR(fit("backward stage", columns_.backward_stage(i), slot.backward_stage));
    return fit("backward micro-batch", micro_batch_ + columns_.backward_micro_batch(i), slot.backward_micro_batch);
  }

  template <typename Value>
  Status fit(const char* name, int64_t value, Value& target) const {
    if (value < 0 || !std::in_range<Value>(value)) return out_of_range(name, value);
    target = static_cast<Value>(value);
    return {};
  }

  tl::unexpected<Error> out_of_range(const char* name, int64_t value) const {
    return invalid(fmt::format("slot {} has the {} {}, which can't be", next_ - 1, name, value));
  }

  const message::Slots& columns_;
  int next_ = 0;
  int next_pair_ = 0;
  int64_t micro_batch_ = 0;
};

Result<RankOrders> load_orders(const message::Schedule& message) {
  SlotReader reader(message.slots());
  PIPELOOM_RETURN_IF_ERROR(reader.check_columns());
  RankOrders orders;
  for (const uint32_t size : message.slots_per_rank()) {
    if (size > static_cast<uint32_t>(reader.left())) {
      return invalid(
          fmt::format("slots_per_rank asks for more slots than the {} there are", message.slots().kind_size()));
    }
    std::vector<Slot>& order = orders.emplace_back();
    order.reserve(size);
    for (uint32_t i = 0; i < size; ++i) {
      PIPELOOM_TRY(const Slot slot, reader.next());
      order.push_back(slot);
    }
  }
  if (reader.left() > 0) return invalid(fmt::format("{} slots belong to no rank", reader.left()));
  return orders;
}

Result<std::vector<uint16_t>> load_pipes(const message::Schedule& message) {
  const int micro_batches = message.micro_batches();
  if (micro_batches < 1 || micro_batches > Schedule::kMaxMicroBatches) {
    return invalid(fmt::format("micro_batches is {}; allowed are 1 to {}", micro_batches, Schedule::kMaxMicroBatches));
  }
  if (message.pipe_of_micro_batch().empty()) return std::vector<uint16_t>(micro_batches, 0);
  PIPELOOM_RETURN_IF_ERROR(check_column_size("pipe_of_micro_batch", message.pipe_of_micro_batch_size(), micro_batches));
  return load_values<uint16_t>("pipe_of_micro_batch", message.pipe_of_micro_batch());
}

}  // namespace

void store_schedule(const Schedule& schedule, message::Schedule* message) {
  store_placement(schedule.placement(), message->mutable_placement());
  message->set_micro_batches(schedule.micro_batches());
  if (schedule.placement().pipes() > 1) {
    for (const uint16_t pipe : schedule.pipe_of_micro_batch()) message->add_pipe_of_micro_batch(pipe);
  }
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    message->add_slots_per_rank(static_cast<uint32_t>(schedule.slots_of(rank).size()));
  }
  store_slots(schedule.slots(), message->mutable_slots());
}

Result<Schedule> load_schedule(const message::Schedule& message) {
  PIPELOOM_TRY(Placement placement, load_placement(message.placement()));
  PIPELOOM_TRY(std::vector<uint16_t> pipes, load_pipes(message));
  PIPELOOM_TRY(const RankOrders orders, load_orders(message));
  return Schedule::create(std::move(placement), std::move(pipes), orders);
}

}  // namespace pipeloom::proto
