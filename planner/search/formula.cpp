#include "planner/search/formula.h"

#include <algorithm>
#include <cadical.hpp>
#include <map>

#include "core/base/check.h"

namespace pipeloom::planner {

Formula::Formula(const LineGraph& graph, int64_t unit_ns, int64_t limit, CaDiCaL::Solver& solver)
    : graph_(graph), problem_(graph.problem()), unit_ns_(unit_ns), limit_(limit), solver_(solver) {
  for (size_t line = 0; line < problem_.lines().size(); ++line) {
    durations_.push_back(units(problem_.times()[line].duration_ns));
  }
  local_.resize(problem_.ops());
  first_before_.resize(problem_.ops());
  int64_t size = 0;
  for (int rank = 0; rank < problem_.ranks(); ++rank) {
    int number = 0;
    for (const int line_number : problem_.lines_of_rank(rank)) {
      const Line& line = problem_.lines()[line_number];
      for (int op = line.first_op; op < line.first_op + line.count; ++op) {
        local_[op] = number++;
        first_before_[op] = size;
        size += problem_.ops_of_rank(rank);
      }
    }
  }
  before_.assign(size, 0);
}

void Formula::add(std::span<const int> literals) {
  clause_.clear();
  for (const int literal : literals) {
    if (literal == kTrue) return;
    if (literal != kFalse) clause_.push_back(literal);
  }
  for (const int literal : clause_) solver_.add(literal);
  solver_.add(0);
  ++clauses_;
}

int Formula::starts_from(int op, int64_t time) const {
  if (time <= earliest_[op]) return kTrue;
  if (time > latest_[op]) return kFalse;
  return first_literal_[op] + static_cast<int>(time - earliest_[op] - 1);
}

bool Formula::always_before(int op, int other) const {
  const int32_t shift = graph_.shift(problem_.line_number_of(op), problem_.line_number_of(other));
  const int index = op - problem_.line_of(op).first_op;
  const int other_index = other - problem_.line_of(other).first_op;
  return shift <= other_index - index || latest_[op] + duration(op) <= earliest_[other];
}

int Formula::before(int op, int other) {
  if (op == other || always_before(other, op)) return kFalse;
  if (always_before(op, other)) return kTrue;
  int& literal = before_[first_before_[op] + local_[other]];
  if (literal == 0) {
    literal = new_variable();
    // One of the two goes first, unless they are an F and an I that may overlap as a pair.
    const Pass pass = problem_.line_of(op).pass;
    const Pass other_pass = problem_.line_of(other).pass;
    const bool may_overlap = problem_.has_pairs() && pass != other_pass && pass != Pass::kW && other_pass != Pass::kW;
    if (!may_overlap) before_[first_before_[other] + local_[op]] = -literal;
  }
  return literal;
}

void Formula::add_delay(int condition, int also, int earlier, int later, int64_t delay) {
  if (condition == kFalse || also == kFalse) return;
  const int not_condition = negated(condition);
  const int not_also = negated(also);
  for (int64_t time = earliest_[earlier]; time <= latest_[earlier]; ++time) {
    const int from = starts_from(earlier, time);
    const int to = starts_from(later, time + delay);
    add({not_condition, not_also, negated(from), to});
    if (to == kFalse) break;  // later times add nothing
  }
}

// Sets the window of every op's start. For a makespan it follows from heads and tails. For a span, F 0 of stage 0 is at
// time 0, and windows narrow by everything that is at most `limit` away from something else.
bool Formula::set_windows() {
  const int ops = problem_.ops();
  earliest_.resize(ops);
  latest_.resize(ops);
  if (problem_.objective() == Objective::kMakespan) {
    std::vector<int64_t> heads(ops, 0);
    std::vector<int64_t> tails(ops, 0);
    graph_.raise_heads(heads);
    graph_.raise_tails(tails);
    for (int op = 0; op < ops; ++op) {
      earliest_[op] = units(heads[op]);
      latest_[op] = limit_ - units(tails[op]);
      if (earliest_[op] > latest_[op]) return false;
    }
    return true;
  }
  std::ranges::fill(earliest_, -4 * limit_);
  std::ranges::fill(latest_, 4 * limit_);
  for (int pipe = problem_.pipes() - 1; pipe >= 0; --pipe) {
    if (problem_.micro_batches_of(pipe) == 0) continue;
    const int origin = problem_.line(pipe, 0, Pass::kF).first_op;
    earliest_[origin] = pipe == 0 ? 0 : earliest_[origin];
    latest_[origin] = pipe == 0 ? 0 : latest_[origin];
  }
  while (narrow_windows()) {
  }
  for (int op = 0; op < ops; ++op) {
    if (earliest_[op] > latest_[op]) return false;
  }
  return true;
}

// Narrows every window once by "no earlier than" and "no later than". Returns true if a window became narrower and none
// is empty.
bool Formula::narrow_windows() {
  bool narrower = false;
  bool empty = false;
  const auto apart = [&](int earlier, int later, int64_t delay) {
    if (earliest_[later] < earliest_[earlier] + delay) {
      earliest_[later] = earliest_[earlier] + delay;
      narrower = true;
    }
    if (latest_[earlier] > latest_[later] - delay) {
      latest_[earlier] = latest_[later] - delay;
      narrower = true;
    }
    empty = empty || earliest_[later] > latest_[later] || earliest_[earlier] > latest_[earlier];
  };
  for (const Precedence& rule : graph_.precedences()) {
    const Line& from = problem_.lines()[rule.before];
    const Line& to = problem_.lines()[rule.after];
    for (int i = 0; i < from.count && i + rule.shift < to.count; ++i) {
      apart(from.first_op + i, to.first_op + i + rule.shift, units(rule.delay_ns));
    }
  }
  for (int rank = 0; rank < problem_.ranks(); ++rank) {
    for (const int first_line : problem_.lines_of_rank(rank)) {
      const Line& first = problem_.lines()[first_line];
      if (first.pass != Pass::kF || first.count == 0) continue;
      for (const int line_number : problem_.lines_of_rank(rank)) {
        const Line& line = problem_.lines()[line_number];
        for (int op = line.first_op; op < line.first_op + line.count; ++op) {
          apart(op, first.first_op, duration(op) - limit_);
        }
      }
    }
  }
  return narrower && !empty;
}

void Formula::add_starts() {
  first_literal_.resize(problem_.ops());
  for (int op = 0; op < problem_.ops(); ++op) {
    first_literal_[op] = variables_ + 1;
    variables_ += static_cast<int>(latest_[op] - earliest_[op]);
    for (int64_t time = earliest_[op] + 2; time <= latest_[op]; ++time) {
      add({-starts_from(op, time), starts_from(op, time - 1)});
    }
  }
}

void Formula::add_precedences() {
  for (const Precedence& rule : graph_.precedences()) {
    const Line& from = problem_.lines()[rule.before];
    const Line& to = problem_.lines()[rule.after];
    for (int i = 0; i < from.count && i + rule.shift < to.count; ++i) {
      add_delay(kTrue, kTrue, from.first_op + i, to.first_op + i + rule.shift, units(rule.delay_ns));
    }
  }
}

void Formula::add_span() {
  for (int rank = 0; rank < problem_.ranks(); ++rank) {
    for (const int first_line : problem_.lines_of_rank(rank)) {
      const Line& first = problem_.lines()[first_line];
      if (first.pass != Pass::kF || first.count == 0) continue;
      for (const int line_number : problem_.lines_of_rank(rank)) {
        const Line& line = problem_.lines()[line_number];
        if (line.count == 0) continue;
        const int last = line.first_op + line.count - 1;
        add_delay(kTrue, kTrue, last, first.first_op, duration(last) - limit_);
      }
    }
  }
}

// Adds that a rank runs one op at a time. The choice between two lines is a staircase: if i is before j, all ops up to
// i are before all ops from j on.
void Formula::add_machine(int rank) {
  const auto lines = problem_.lines_of_rank(rank);
  for (const int a : lines) {
    for (const int b : lines) {
      if (a == b) continue;
      const Line& one = problem_.lines()[a];
      const Line& other = problem_.lines()[b];
      for (int i = one.first_op; i < one.first_op + one.count; ++i) {
        for (int j = other.first_op; j < other.first_op + other.count; ++j) {
          const int literal = before(i, j);
          // Among precedences that are known anyway, the closest neighbours imply the others.
          const bool closest = (j == other.first_op || before(i, j - 1) != kTrue) &&
                               (i + 1 == one.first_op + one.count || before(i + 1, j) != kTrue);
          if (literal != kTrue || closest) add_delay(literal, kTrue, i, j, duration(i));
          const int no = negated(literal);
          if (j + 1 < other.first_op + other.count) add({no, before(i, j + 1)});
          if (i > one.first_op) add({no, before(i - 1, j)});
        }
      }
    }
  }
}

// Adds that an F and an I that overlap start together and last as long as their pair.
void Formula::add_pairs(int rank) {
  std::map<int, std::vector<int>> of_op;
  for (const int a : problem_.lines_of_rank(rank)) {
    const Line& forward = problem_.lines()[a];
    if (forward.pass != Pass::kF) continue;
    for (const int b : problem_.lines_of_rank(rank)) {
      const Line& backward = problem_.lines()[b];
      if (backward.pass != Pass::kI) continue;
      const int pair_number = problem_.pair_times(a, b);
      const OpTimes& pair = problem_.times()[pair_number];
      const int64_t length = units(pair.duration_ns);
      for (int f = forward.first_op; f < forward.first_op + forward.count; ++f) {
        for (int i = backward.first_op; i < backward.first_op + backward.count; ++i) {
          const int f_first = before(f, i);
          const int i_first = before(i, f);
          if (f_first == kTrue || i_first == kTrue) continue;
          const int paired = new_variable();
          pairs_.emplace_back(f, i);
          pair_literals_.push_back(paired);
          of_op[f].push_back(paired);
          of_op[i].push_back(paired);
          add({f_first, i_first, paired});
          add({-paired, -f_first});
          add({-paired, -i_first});
          add_delay(paired, kTrue, f, i, 0);
          add_delay(paired, kTrue, i, f, 0);
          for (const int line_number : problem_.lines_of_rank(rank)) {
            const Line& line = problem_.lines()[line_number];
            for (int op = line.first_op; op < line.first_op + line.count; ++op) {
              if (op == f || op == i) continue;
              // An op that comes after one of the two comes after both, by the length of the pair; an op that comes
              // before one comes before both.
              for (const auto& [x, y] : {std::pair(f, i), std::pair(i, f)}) {
                const int x_first = before(x, op);
                add({-paired, negated(x_first), before(y, op)});
                add_delay(paired, x_first, x, op, length);
              }
            }
          }
          const OpTimes& partner = problem_.times()[SearchProblem::partner_times(pair_number)];
          for (const auto& [op, ready] : {std::pair(f, pair.ready_ns), std::pair(i, partner.ready_ns)}) {
            const int output = problem_.output_of(op);
            if (output < problem_.ops()) add_delay(paired, kTrue, op, output, units(ready));
          }
        }
      }
    }
  }
  for (const auto& [op, literals] : of_op) {
    for (size_t i = 0; i < literals.size(); ++i) {
      for (size_t j = i + 1; j < literals.size(); ++j) add({-literals[i], -literals[j]});
    }
  }
}

void Formula::add_memory(int rank) {
  int64_t all = 0;
  for (const int number : problem_.lines_of_rank(rank)) {
    all += problem_.lines()[number].take * problem_.lines()[number].count;
  }
  if (all <= problem_.cap(rank)) return;
  for (const int number : problem_.lines_of_rank(rank)) {
    const Line& line = problem_.lines()[number];
    if (line.pass != Pass::kF) continue;
    for (int op = line.first_op; op < line.first_op + line.count; ++op) add_memory_at(op);
  }
}

// Adds that a rank's memory suffices when an F starts. Sums what the rank holds at least, line by line: `sums` has a
// literal for each sum that can be reached, true if at least that much is held so far. W's count as if they needed no
// more than F kept.
void Formula::add_memory_at(int forward) {
  const Line& own = problem_.line_of(forward);
  std::map<int64_t, int> sums = {{own.take * (forward - own.first_op + 1), kTrue}};
  for (const int number : problem_.lines_of_rank(own.rank)) {
    const Line& line = problem_.lines()[number];
    const int64_t kept = problem_.activations()[line.stage].total;
    const int64_t give = std::clamp<int64_t>(line.give, 0, kept);
    if (problem_.line_of(forward).first_op == line.first_op || line.take == give) continue;
    std::map<int64_t, int> longer;
    const auto reach = [&](int64_t sum) -> int& {
      int& literal = longer[sum];
      if (literal == 0) literal = new_variable();
      return literal;
    };
    for (const auto& [sum, reached] : sums) {
      const int no = negated(reached);
      for (int count = 0; count <= line.count; ++count) {
        const int here = count < line.count ? before(line.first_op + count, forward) : kFalse;
        if (line.take > 0) {
          // At least `count` F's ran before.
          const int last = count == 0 ? kTrue : before(line.first_op + count - 1, forward);
          if (last == kFalse || here == kTrue) continue;
          add({no, negated(last), reach(sum + line.take * count)});
        } else {
          // At most `count` backwards gave memory back.
          const int last = count == 0 ? kTrue : before(line.first_op + count - 1, forward);
          if (here == kTrue || last == kFalse) continue;
          add({no, here, reach(sum - give * count)});
        }
      }
    }
    sums = std::move(longer);
  }
  for (const auto& [sum, reached] : sums) {
    if (sum > problem_.cap(own.rank)) add({negated(reached)});
  }
}

bool Formula::build() {
  if (!set_windows()) return false;
  add_starts();
  add_precedences();
  if (problem_.objective() == Objective::kSpan) add_span();
  for (int rank = 0; rank < problem_.ranks(); ++rank) {
    add_machine(rank);
    if (problem_.has_pairs()) add_pairs(rank);
    if (problem_.has_cap(rank)) add_memory(rank);
  }
  return true;
}

Order Formula::order() const {
  const auto start_of = [&](int op) {
    int64_t start = earliest_[op];
    while (start < latest_[op] && solver_.val(first_literal_[op] + static_cast<int>(start - earliest_[op])) > 0)
      ++start;
    return start;
  };
  Order order(problem_);
  for (int rank = 0; rank < problem_.ranks(); ++rank) {
    std::vector<std::pair<int64_t, int>> starts;
    for (const int number : problem_.lines_of_rank(rank)) {
      const Line& line = problem_.lines()[number];
      for (int op = line.first_op; op < line.first_op + line.count; ++op) starts.emplace_back(start_of(op), op);
    }
    // Ops that take no time go before others with the same start.
    std::ranges::sort(starts, [&](const auto& a, const auto& b) {
      return std::tuple(a.first, duration(a.second), a.second) < std::tuple(b.first, duration(b.second), b.second);
    });
    for (const auto& [start, op] : starts) order.append(op, rank);
  }
  for (size_t i = 0; i < pairs_.size(); ++i) {
    if (solver_.val(pair_literals_[i]) > 0) order.join(problem_, pairs_[i].first, pairs_[i].second);
  }
  return order;
}

}  // namespace pipeloom::planner
