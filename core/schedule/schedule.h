#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/schedule/placement.h"
#include "core/schedule/slot.h"

namespace pipeloom {

// Who computes what in which order in one training step. A schedule is immutable and valid once created: every
// micro-batch passes every stage of its pipe exactly once as F, I and W (B counts as I and W), on the rank that holds
// the stage, F before I before W; no ranks wait for each other in a cycle; every queue is received in the order in
// which it is sent.
class Schedule {
 public:
  static constexpr int kMaxMicroBatches = 1 << 20;

  // Checks all of this. The error says which rank, slot and pass break it; a deadlock is reported as the cycle of ranks
  // that wait for each other. `pipe_of_micro_batch` has one entry per micro-batch. O(slots).
  static Result<Schedule> create(Placement placement, std::vector<uint16_t> pipe_of_micro_batch, FlatOrders orders);
  static Result<Schedule> create(Placement placement, std::vector<uint16_t> pipe_of_micro_batch,
                                 const RankOrders& orders);
  // Puts all micro-batches on pipe 0.
  static Result<Schedule> create(Placement placement, int micro_batches, FlatOrders orders);
  static Result<Schedule> create(Placement placement, int micro_batches, const RankOrders& orders);

  const Placement& placement() const { return placement_; }
  int ranks() const { return placement_.ranks(); }
  int stages() const { return placement_.stages(); }
  int micro_batches() const { return static_cast<int>(pipe_of_micro_batch_.size()); }
  int pipe_of(int micro_batch) const { return pipe_of_micro_batch_[micro_batch]; }
  std::span<const uint16_t> pipe_of_micro_batch() const { return pipe_of_micro_batch_; }

  // Slots are numbered 0 .. size-1, rank after rank, in the order in which each rank runs them.
  std::span<const Slot> slots() const { return slots_; }
  std::span<const Slot> slots_of(int rank) const {
    return std::span(slots_).subspan(rank_begin_[rank], rank_begin_[rank + 1] - rank_begin_[rank]);
  }
  // Returns the number of the first slot of `rank`; first_slot(ranks()) is the number of all slots.
  uint32_t first_slot(int rank) const { return rank_begin_[rank]; }
  int rank_of_slot(uint32_t slot) const;

  // Number of passes; a pair counts as two.
  int64_t passes() const { return passes_; }
  bool has_pairs() const { return has_pairs_; }
  // True if some pair leaves its W to a slot of its own (FI).
  bool has_input_pairs() const { return has_input_pairs_; }
  // True if some rank runs W apart from I.
  bool splits_backward() const { return splits_backward_; }

  // All slots, each after the slots that it waits for.
  std::span<const uint32_t> topological_order() const { return topological_order_; }

  // Index of (stage, micro-batch) in arrays of size stages*micro_batches. Micro-batches of one stage are adjacent.
  size_t cell(int stage, int micro_batch) const { return static_cast<size_t>(stage) * micro_batches() + micro_batch; }

 private:
  Schedule(Placement placement, std::vector<uint16_t> pipe_of_micro_batch, FlatOrders orders);

  Placement placement_;
  std::vector<uint16_t> pipe_of_micro_batch_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> rank_begin_;  // [ranks + 1]
  std::vector<uint32_t> topological_order_;
  int64_t passes_ = 0;
  bool has_pairs_ = false;
  bool has_input_pairs_ = false;
  bool splits_backward_ = false;
};

// Names a pass for messages: "F3 of stage 1".
std::string pass_name(SlotKind kind, int micro_batch, int stage);

}  // namespace pipeloom
