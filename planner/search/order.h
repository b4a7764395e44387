#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/schedule/schedule.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// The orders of all ranks as linked lists of slots, so that a move is a few writes. A slot is named by its op, a pair
// by its F, a B by its I; `partner` leads from there to the I or the W, and back (-1: alone). The W inside a pair is in
// no list. Memory: 16 bytes an op.
class Order {
 public:
  explicit Order(const SearchProblem& problem);

  void append(int op, int rank) { insert_before(op, end_ + rank); }
  void insert_before(int op, int later);
  void remove(int op);
  // Swaps `op` with the slot after it.
  void swap_with_next(int op);

  int next(int node) const { return links_[node].next; }
  int previous(int node) const { return links_[node].previous; }
  int partner(int op) const { return links_[op].partner; }
  // Returns the slot that an op is in: itself, or the F or I that it has joined.
  int slot_of(int op) const { return links_[op].slot; }
  // Lets `joining` join `slot` and leave its list: an I (with its W, if pairs hold it) joins an F, or a W its I.
  // REQUIRES: all of them are in a list, alone.
  void join(const SearchProblem& problem, int slot, int joining);
  // Undoes join. The I follows the F, and its W, if the pair held it, follows the I.
  void part(const SearchProblem& problem, int slot);
  // Returns the memory that the slot gives back at its end.
  int64_t given_by(const SearchProblem& problem, int slot) const;

 private:
  struct Links {
    int32_t next = -1;
    int32_t previous = -1;
    int32_t partner = -1;
    int32_t slot = -1;
  };

  int32_t end_;               // node number of rank 0's end
  std::vector<Links> links_;  // [node]
};

// Returns the W of the same micro-batch and stage as the I `backward`.
int weight_op(const SearchProblem& problem, int backward);

// Converts a schedule of the same placement with the same number of micro-batches in each pipe. Micro-batches are
// renumbered if the schedule does not take them in ascending order. If the problem has no pairs, a pair becomes its F,
// its I and its W, and a B becomes I and W.
Result<Order> order_of(const SearchProblem& problem, const Schedule& schedule);

// Converts an order to core's Schedule. Fails only if the order is not valid.
Result<Schedule> schedule_of(const SearchProblem& problem, const Order& order);

// [rank] The most memory that the rank holds at once.
std::vector<int64_t> peaks_of(const SearchProblem& problem, const Order& order);
bool fits_caps(const SearchProblem& problem, const Order& order);

}  // namespace pipeloom::planner
