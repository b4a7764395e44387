#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/schedule/schedule.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// The orders of all ranks as linked lists of slots, so that a move is a few writes. A slot goes by its op, a pair by
// its F, a B by its I; `partner` leads from there to the I or the W, and back (-1: alone). The W of a pair is inside
// and in no list. Memory: 16 bytes an op.
class Order {
 public:
  explicit Order(const SearchProblem& problem);

  void append(int op, int rank) { insert_before(op, end_ + rank); }
  void insert_before(int op, int later);
  void remove(int op);
  // `op` is directly before `later`; afterwards it is directly behind.
  void swap_with_next(int op);

  int next(int node) const { return links_[node].next; }
  int previous(int node) const { return links_[node].previous; }
  int partner(int op) const { return links_[op].partner; }
  // The slot that an op is in: itself, or its partner's F.
  int slot_of(int op) const { return links_[op].slot; }
  // An I joins an F's slot, with its W; or a W joins that of its I. They leave the lists. REQUIRES: all are in a list,
  // alone.
  void join(const SearchProblem& problem, int slot, int joining);
  // Undoes join; the I is behind the F, and its W behind that.
  void part(const SearchProblem& problem, int slot);
  // What the slot gives back at its end.
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

// The W of the same micro-batch and stage as an I.
int weight_op(const SearchProblem& problem, int backward);

// The order of a schedule of the same placement and the same number of micro-batches in each pipe. Micro-batches are
// numbered anew where it does not take them in ascending order. Where the problem has no pairs, a pair becomes its F
// and, behind it, its I and W; a B becomes I and W.
Result<Order> order_of(const SearchProblem& problem, const Schedule& schedule);

// What core checks and everything else reads. Fails only where the order is not valid.
Result<Schedule> schedule_of(const SearchProblem& problem, const Order& order);

// The most that each rank holds at once.
std::vector<int64_t> peaks_of(const SearchProblem& problem, const Order& order);
bool fits_caps(const SearchProblem& problem, const Order& order);

}  // namespace pipeloom::planner
