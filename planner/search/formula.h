#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "planner/search/line_graph.h"
#include "planner/search/order.h"

namespace CaDiCaL {
class Solver;
}  // namespace CaDiCaL

namespace pipeloom::planner {

// Says "there is a schedule of at most `limit` time units" in clauses. A literal is a variable of the solver, its
// negation, kTrue or kFalse.
class Formula {
 public:
  Formula(const LineGraph& graph, int64_t unit_ns, int64_t limit, CaDiCaL::Solver& solver);

  // Adds all clauses. Returns false if it is already certain that there is no such schedule.
  bool build();
  int64_t clauses() const { return clauses_; }
  // Returns the order of the solver's model. REQUIRES: the solver has one.
  Order order() const;

 private:
  static constexpr int kTrue = INT32_MAX;
  static constexpr int kFalse = -kTrue;

  int new_variable() { return ++variables_; }
  void add(std::span<const int> literals);
  void add(std::initializer_list<int> literals) { add(std::span(literals.begin(), literals.size())); }

  int64_t units(int64_t ns) const { return ns / unit_ns_; }
  int64_t duration(int op) const { return durations_[problem_.line_number_of(op)]; }
  // Literal: the op starts at `time` or later.
  int starts_from(int op, int64_t time) const;
  static int negated(int literal) { return -literal; }
  // Adds: if both conditions hold, `later` starts at least `delay` after `earlier`.
  void add_delay(int condition, int also, int earlier, int later, int64_t delay);
  // Literal: `op` has ended before `other` starts. REQUIRES: ops of one rank.
  int before(int op, int other);
  bool always_before(int op, int other) const;

  bool set_windows();
  bool narrow_windows();
  void add_starts();
  void add_precedences();
  void add_span();
  void add_machine(int rank);
  void add_pairs(int rank);
  void add_memory(int rank);
  void add_memory_at(int forward);

  const LineGraph& graph_;
  const SearchProblem& problem_;
  int64_t unit_ns_;
  int64_t limit_;
  CaDiCaL::Solver& solver_;
  int variables_ = 0;
  int64_t clauses_ = 0;
  std::vector<int64_t> durations_;          // [line]
  std::vector<int64_t> earliest_;           // [op] start
  std::vector<int64_t> latest_;             // [op] start
  std::vector<int> first_literal_;          // [op] literal of starts_from(op, earliest + 1)
  std::vector<int> before_;                 // [op][op of the same rank, by local number]
  std::vector<int> local_;                  // [op] number among the ops of its rank
  std::vector<int64_t> first_before_;       // [op] where its row starts in before_
  std::vector<std::pair<int, int>> pairs_;  // (F, I) that may overlap, in the order of pair_literals_
  std::vector<int> pair_literals_;
  std::vector<int> clause_;
};

}  // namespace pipeloom::planner
