#include "planner/search/repair.h"

#include <vector>

namespace pipeloom::planner {

namespace {

class RankRepair {
 public:
  RankRepair(const SearchProblem& problem, Order& order, int rank)
      : problem_(problem),
        order_(order),
        rank_(rank),
        end_(problem.end_of(rank)),
        done_of_line_(problem.lines().size(), 0) {}

  void run() {
    part_backwards();
    int64_t held = 0;
    for (int slot = order_.next(problem_.begin_of(rank_)); slot != end_;) {
      if (held + take(slot) > problem_.cap(rank_)) {
        if (order_.partner(slot) >= 0) order_.part(problem_, slot);
        const int giver = next_giver(slot);
        if (giver >= 0) {
          order_.remove(giver);
          order_.insert_before(giver, slot);
          slot = giver;
        }
      }
      held += take(slot) - give(slot);
      ++done_of_line_[problem_.line_number_of(slot)];
      if (order_.partner(slot) >= 0) ++done_of_line_[problem_.line_number_of(order_.partner(slot))];
      slot = order_.next(slot);
    }
  }

 private:
  void part_backwards() {
    for (int slot = order_.next(problem_.begin_of(rank_)); slot != end_; slot = order_.next(slot)) {
      if (problem_.line_of(slot).pass == Pass::kI && order_.partner(slot) >= 0) order_.part(problem_, slot);
    }
  }
  int64_t take(int slot) const { return problem_.line_of(slot).take; }
  int64_t give(int slot) const { return order_.given_by(problem_, slot); }
  // Returns the first pass after `slot` that gives memory back and follows a pass of its stage that is done. If there
  // is none, returns the first I, whose W can give back later; -1 if there is no such I either.
  int next_giver(int slot) const {
    int first_i = -1;
    for (int later = order_.next(slot); later != end_; later = order_.next(later)) {
      const Line& line = problem_.line_of(later);
      if (line.pass == Pass::kF || order_.partner(later) >= 0) continue;
      const int own = problem_.line_number_of(later);
      const int before = own - 1;  // the line whose pass comes before, in the same chunk
      const int index = later - line.first_op;
      const bool in_order = line.pass == Pass::kW || index == done_of_line_[own];
      if (!in_order || index >= done_of_line_[before] || !may_pass(slot, later)) continue;
      if (line.give > 0) return later;
      if (first_i < 0 && line.pass == Pass::kI) first_i = later;
    }
    return first_i;
  }

  // True if an I may go before all slots from `first` on: its input may share a queue with that of another chunk.
  bool may_pass(int first, int later) const {
    if (problem_.line_of(later).pass == Pass::kW) return true;
    for (int op = first; op != later; op = order_.next(op)) {
      const int partner = order_.partner(op);
      if (problem_.fixed_order(op, later) || (partner >= 0 && problem_.fixed_order(partner, later))) return false;
    }
    return true;
  }

  const SearchProblem& problem_;
  Order& order_;
  int rank_;
  int end_;
  std::vector<int> done_of_line_;  // [line]
};

}  // namespace

Order repaired_to_caps(const SearchProblem& problem, const Order& order) {
  Order repaired = order;
  for (int rank = 0; rank < problem.ranks(); ++rank) RankRepair(problem, repaired, rank).run();
  return repaired;
}

}  // namespace pipeloom::planner
