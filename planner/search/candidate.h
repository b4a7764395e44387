#pragma once

#include <cstdint>
#include <vector>

#include "planner/search/order.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// An order with its times: heads (how early a slot ends), tails (how long the step still lasts from its start) and the
// memory that its rank holds before it. What the local search moves about. Nothing is allocated after the first
// evaluation.
//
// Value: makespan or span in ns, by the problem's objective, with every slot as early as possible. For a span the end
// of a rank's order has the tail -(first start of the rank), so that head + tail is a span on every critical path.
class Candidate {
 public:
  explicit Candidate(const SearchProblem& problem);

  // Takes an order, in which every op must be. False where it deadlocks; the candidate is useless then.
  bool reset(const Order& order);

  const SearchProblem& problem() const { return *problem_; }
  const Order& order() const { return order_; }
  int64_t value_ns() const { return value_ns_; }
  int64_t start_ns(int slot) const { return nodes_[slot].end_ns - duration(slot); }
  int64_t end_ns(int slot) const { return nodes_[slot].end_ns; }
  int64_t tail_ns(int slot) const { return nodes_[slot].tail_ns; }

  // Heads, value, tails of the whole order anew. O(slots).
  void evaluate();

  // Whether the slot and the one behind it on its rank may change places by precedences of the rank and memory. Two
  // ranks may still wait for each other afterwards: swap() finds out. O(1).
  bool can_swap(int slot) const;
  // The longest path through either slot after the swap; no other path is longer than the value before. O(1).
  int64_t swapped_ns(int slot) const;
  // Swaps and evaluates anew what the swap can have changed. False, and nothing changed, if ranks would wait for each
  // other.
  bool swap(int slot);

  // Joins an F and an I (and its W) that are neighbours to a pair, or an I and its W to a B where the I is, or parts
  // one. False, and nothing changed, where memory, precedences or a deadlock forbid it. undo() takes back the last one
  // that was done. O(slots).
  bool join(int slot, int joining);
  bool part(int slot);
  void undo();

  // Slots evaluated so far, for both heads and tails: a measure of time that is the same on every machine.
  int64_t work() const { return work_; }

  int slots() const { return slots_; }
  // A slot by its place in the topological order.
  int slot_at(int place) const { return sorted_[place]; }
  // Whether the slot behind `slot` on its rank begins where it ends, and both are on a critical path.
  bool critical_arc(int slot) const {
    const int next = order_.next(slot);
    return next < problem_->ops() && start_ns(next) == nodes_[slot].end_ns &&
           nodes_[slot].end_ns + nodes_[next].tail_ns == value_ns_;
  }

  // Slots that begin where the slot before them on their rank ends, along one critical path; `choice` decides which
  // path where there are several. Replaces `arcs`.
  void critical_arcs(uint64_t choice, std::vector<int32_t>& arcs) const;

 private:
  // All that an evaluation reads of a node lies in one cache line.
  struct Node {
    int64_t end_ns = 0;
    int64_t out_ns = 0;      // when the consumer has the output
    int64_t tail_ns = 0;     // from the slot's start
    int64_t in_tail_ns = 0;  // from the arrival of the op's input
    int64_t held = 0;        // memory before the slot
    int32_t input = 0;       // op
    int32_t output = 0;      // op
    int32_t times = 0;       // index into SearchProblem::times()
    int32_t place = 0;       // in sorted_
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

  static constexpr int kAhead = 12;  // slots

  const SearchProblem* problem_;
  Order order_;
  Order saved_;  // before the last join or part
  const OpTimes* times_;
  std::vector<Node> nodes_;
  std::vector<int64_t> take_;  // [op] of the slot
  std::vector<int64_t> give_;
  std::vector<int32_t> sorted_;  // slots, each behind what it waits for
  std::vector<int32_t> moved_;   // buffers
  std::vector<uint32_t> marked_;
  std::vector<uint64_t> stale_;  // [place / 64] bits: slots whose times are to be set anew
  uint32_t mark_ = 0;
  int slots_ = 0;
  int pairs_ = 0;
  int swaps_since_sort_ = 0;
  int64_t value_ns_ = 0;
  int64_t work_ = 0;
};

}  // namespace pipeloom::planner
