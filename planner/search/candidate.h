#pragma once

#include <cstdint>
#include <vector>

#include "planner/search/order.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// An order with its times, which local search changes in place: heads (how early a slot ends), tails (how long the step
// still lasts from its start) and the memory that its rank holds before it. Nothing is allocated after the first
// evaluation.
// Its value is the makespan or the span in ns, by the problem's objective, if every slot starts as early as possible.
// For a span, the end of a rank's order has the tail -(first start of the rank), so head + tail is a span on every
// critical path.
class Candidate {
 public:
  explicit Candidate(const SearchProblem& problem);

  // Takes an order. Returns false if it deadlocks; the candidate is then unusable until the next reset. REQUIRES: every
  // op is in the order.
  bool reset(const Order& order);

  const SearchProblem& problem() const { return *problem_; }
  const Order& order() const { return order_; }
  int64_t value_ns() const { return value_ns_; }
  int64_t start_ns(int slot) const { return nodes_[slot].end_ns - duration(slot); }
  int64_t end_ns(int slot) const { return nodes_[slot].end_ns; }
  int64_t tail_ns(int slot) const { return nodes_[slot].tail_ns; }

  // Computes heads, value and tails of the whole order again. O(slots).
  void evaluate();

  // True if precedences and memory of the rank allow the slot and the next one on its rank to change places. Ranks may
  // still wait for each other afterwards; swap() finds out. O(1).
  bool can_swap(int slot) const;
  // Returns the longest path through either slot after the swap. Every other path is at most as long as the value
  // before. O(1).
  int64_t swapped_ns(int slot) const;
  // Swaps the slot with the next one and updates what the swap can have changed. Returns false and changes nothing if
  // ranks would then wait for each other.
  bool swap(int slot);

  // join() makes a pair of an F and an I (and its W) that are neighbours, or a B of an I and its W in the place of the
  // I. part() splits a pair or a B. They return false and change nothing if memory, precedences or a deadlock forbid
  // it. undo() reverts the last one that succeeded. O(slots).
  bool join(int slot, int joining);
  bool part(int slot);
  void undo();

  // Number of slots evaluated so far, heads and tails counted apart: a measure of time that is equal on every machine.
  int64_t work() const { return work_; }

  int slots() const { return slots_; }
  // The slot at a place of the topological order.
  int slot_at(int place) const { return sorted_[place]; }
  // True if the next slot on the rank begins where `slot` ends, and both are on a critical path.
  bool critical_arc(int slot) const {
    const int next = order_.next(slot);
    return next < problem_->ops() && start_ns(next) == nodes_[slot].end_ns &&
           nodes_[slot].end_ns + nodes_[next].tail_ns == value_ns_;
  }

  // Follows one critical path and replaces `arcs` by the slots on it whose next slot on the rank begins where they end.
  // `choice` picks the path if there are several.
  void critical_arcs(uint64_t choice, std::vector<int32_t>& arcs) const;

 private:
  // Everything that an evaluation reads of a node, in one cache line.
  struct Node {
    int64_t end_ns = 0;
    int64_t out_ns = 0;      // when the output reaches its consumer
    int64_t tail_ns = 0;     // tail from the slot's start
    int64_t in_tail_ns = 0;  // tail from the arrival of the op's input
    int64_t held = 0;        // memory before the slot
    int32_t input = 0;       // op
    int32_t output = 0;      // op
    int32_t times = 0;       // index into SearchProblem::times()
    int32_t place = 0;       // index into sorted_
  };

  int64_t duration(int slot) const { return times_[nodes_[slot].times].duration_ns; }
  int64_t input_ns(int op) const { return nodes_[nodes_[op].input].out_ns - times_[nodes_[op].times].need_ns; }
  int64_t output_tail_ns(int op) const {
    return times_[nodes_[op].times].ready_ns + nodes_[nodes_[op].output].in_tail_ns;
  }
  int64_t taken(int slot) const { return take_[slot]; }
  int64_t given(int slot) const { return give_[slot]; }
  void set_slot(int slot);
  void measure_memory();
  bool memory_fits() const;
  bool sort_topologically();
  void sort_by_start();
  bool move_before(int slot, int later);
  template <bool kPairs>
  bool set_head(int slot);
  template <bool kPairs>
  bool set_tail(int slot);
  template <bool kPairs>
  void sweep_all_heads();
  template <bool kPairs>
  void sweep_all_tails();
  void sweep_heads();
  void sweep_tails();
  void set_stale(int op);
  template <bool kPairs>
  void update_heads(int first);
  template <bool kPairs>
  void update_tails(int last);
  template <bool kPairs>
  void update_after_swap(int slot, int later, int first, int last);
  void measure_value();
  bool rebuild();
  bool can_join(int slot, int joining) const;
  bool keep_if_valid();

  static constexpr int kPrefetchDistance = 12;  // in slots

  const SearchProblem* problem_;
  Order order_;
  Order saved_;  // before the last join or part
  const OpTimes* times_;
  std::vector<Node> nodes_;
  std::vector<int64_t> take_;     // [op] memory that its slot takes at its start ...
  std::vector<int64_t> give_;     // ... and gives back at its end
  std::vector<int32_t> sorted_;   // slots in topological order
  std::vector<int32_t> moved_;    // scratch
  std::vector<uint32_t> marked_;  // [node] equal to mark_ if marked
  std::vector<uint64_t> stale_;   // [place / 64] bit set: the slot's times must be updated
  uint32_t mark_ = 0;
  int slots_ = 0;
  int pairs_ = 0;
  int swaps_since_sort_ = 0;
  int64_t value_ns_ = 0;
  int64_t work_ = 0;
};

}  // namespace pipeloom::planner
