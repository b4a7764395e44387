#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace pipeloom {

// What a slot does. Stored in plans: values never change.
// F: forward. I: backward for the input. W: backward for the weights. B: I and W together.
// FB: F of one micro-batch overlapped with B of another. FI: F overlapped with I of another, whose W is its own slot.
enum class SlotKind : uint8_t { kF = 0, kB = 1, kI = 2, kW = 3, kFB = 4, kFI = 5 };

const char* slot_kind_name(SlotKind kind);  // "F", "B", "I", "W", "FB", "FI"

// The way data takes through the stages: activations forward, their gradients backward.
enum class Direction : uint8_t { kForward = 0, kBackward = 1 };

// Returns the direction that a pass hands over in. REQUIRES: not the kind of a pair.
constexpr Direction direction_of(SlotKind pass) {
  return pass == SlotKind::kF ? Direction::kForward : Direction::kBackward;
}

// One entry of a rank's order. The pipe follows from the micro-batch (Schedule::pipe_of).
struct Slot {
  int32_t micro_batch = 0;           // micro-batch of the pass; in a pair, of F
  int32_t backward_micro_batch = 0;  // micro-batch of the backward in a pair
  uint16_t stage = 0;
  uint16_t backward_stage = 0;
  SlotKind kind = SlotKind::kF;
  // Only blocking P2P uses these two. `send_later`: 1 if the output joins the batch after the next slot instead of the
  // one after this slot. `receive_early`: how many slots earlier the forward input is received than in the batch before
  // this slot. DualPipe needs both (docs/research/schedules.md, section 3).
  uint8_t send_later = 0;
  uint16_t receive_early = 0;

  static Slot forward(int stage, int micro_batch) { return pass(SlotKind::kF, stage, micro_batch); }
  static Slot backward(int stage, int micro_batch) { return pass(SlotKind::kB, stage, micro_batch); }
  static Slot input_backward(int stage, int micro_batch) { return pass(SlotKind::kI, stage, micro_batch); }
  static Slot weight_backward(int stage, int micro_batch) { return pass(SlotKind::kW, stage, micro_batch); }
  static Slot pass(SlotKind kind, int stage, int micro_batch) {
    return {micro_batch, 0, static_cast<uint16_t>(stage), 0, kind, 0, 0};
  }
  // A pair of F and B; with kFI, of F and I.
  static Slot pair(int stage, int micro_batch, int backward_stage, int backward_micro_batch,
                   SlotKind kind = SlotKind::kFB) {
    return {micro_batch,
            backward_micro_batch,
            static_cast<uint16_t>(stage),
            static_cast<uint16_t>(backward_stage),
            kind,
            0,
            0};
  }

  bool is_pair() const { return kind == SlotKind::kFB || kind == SlotKind::kFI; }
  bool has_forward() const { return kind == SlotKind::kF || is_pair(); }
  // True if a pass needs the gradient of the next stage and produces one for the stage before: B, I, or a pair's
  // backward.
  bool has_input_backward() const { return kind == SlotKind::kB || kind == SlotKind::kI || is_pair(); }
  bool has_weight_backward() const { return kind == SlotKind::kB || kind == SlotKind::kW || kind == SlotKind::kFB; }
  // Kind, stage and micro-batch of the backward pass, for B, I, W and pairs alike.
  SlotKind backward_kind() const {
    return kind == SlotKind::kFB ? SlotKind::kB : kind == SlotKind::kFI ? SlotKind::kI : kind;
  }
  int backward_pass_stage() const { return is_pair() ? backward_stage : stage; }
  int backward_pass_micro_batch() const { return is_pair() ? backward_micro_batch : micro_batch; }
  // Stage and micro-batch of the slot's forward pass, or of its backward pass.
  int stage_of(Direction side) const { return side == Direction::kForward ? stage : backward_pass_stage(); }
  int micro_batch_of(Direction side) const {
    return side == Direction::kForward ? micro_batch : backward_pass_micro_batch();
  }
  // True if the slot takes and gives a hand-over in this direction.
  bool hands_over(Direction direction) const {
    return direction == Direction::kForward ? has_forward() : has_input_backward();
  }
  int passes() const { return is_pair() ? 2 : 1; }

  bool operator==(const Slot&) const = default;
};
static_assert(sizeof(Slot) == 16, "the engine streams slots: a pass may take at most 64 bytes in all");

// Names a slot by its pass letters and micro-batches, as people draw them: "F3", "F3&B1", "F3&I1".
std::string slot_label(const Slot& slot);

// [rank] The rank's slots in its order.
using RankOrders = std::vector<std::vector<Slot>>;

// RankOrders in one array, rank after rank, as a Schedule keeps them. Saves memory traffic for long schedules.
struct FlatOrders {
  std::vector<Slot> slots;
  std::vector<uint32_t> rank_begin = {0};  // [ranks + 1]

  // Reserves memory for `expected_slots` of all ranks together.
  explicit FlatOrders(size_t expected_slots) { slots.reserve(expected_slots); }
  int ranks() const { return static_cast<int>(rank_begin.size()) - 1; }
  void push_back(std::span<const Slot> order) {
    slots.insert(slots.end(), order.begin(), order.end());
    rank_begin.push_back(static_cast<uint32_t>(slots.size()));
  }
};

}  // namespace pipeloom
