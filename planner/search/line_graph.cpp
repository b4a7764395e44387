#include "planner/search/line_graph.h"

#include <algorithm>
#include <queue>

namespace pipeloom::planner {

LineGraph::LineGraph(const SearchProblem& problem)
    : problem_(problem), times_(problem), precedences_(precedences_of(problem)) {
  sort_lines();
  const size_t lines = problem.lines().size();
  into_.resize(lines);
  from_.resize(lines);
  for (const Precedence& precedence : precedences_) {
    into_[precedence.after].push_back(precedence);
    from_[precedence.before].push_back(precedence);
  }
  for (const Line& line : problem.lines()) max_ops_ = std::max(max_ops_, line.count);
  measure_shifts();
  measure_work_between();
}

// Sorts the lines so that every rule without a shift points forward: F's down the stages, then I's up with their W's.
void LineGraph::sort_lines() {
  for (int pipe = 0; pipe < problem_.pipes(); ++pipe) {
    for (int stage = 0; stage < problem_.stages(); ++stage) {
      sorted_.push_back(problem_.line_number(pipe, stage, Pass::kF));
    }
    for (int stage = problem_.stages() - 1; stage >= 0; --stage) {
      sorted_.push_back(problem_.line_number(pipe, stage, Pass::kI));
      if (problem_.splits_backward()) sorted_.push_back(problem_.line_number(pipe, stage, Pass::kW));
    }
  }
}

// Finds the least shift between two lines: the least sum of shifts of rules from one to the other. Only lines of one
// rank are kept.
void LineGraph::measure_shifts() {
  const int lines = static_cast<int>(problem_.lines().size());
  local_.resize(lines);
  for (int rank = 0; rank < problem_.ranks(); ++rank) {
    int number = 0;
    for (const int line : problem_.lines_of_rank(rank)) local_[line] = number++;
    per_rank_ = std::max(per_rank_, number);
  }
  shift_.assign(static_cast<size_t>(lines) * per_rank_, kUnrelated);
  using Reached = std::pair<int32_t, int32_t>;  // shift, line
  std::vector<int32_t> least(lines);
  for (int from = 0; from < lines; ++from) {
    std::ranges::fill(least, kUnrelated);
    std::priority_queue<Reached, std::vector<Reached>, std::greater<>> open;
    const auto reach = [&](int line, int32_t shift) {
      for (const Precedence& rule : from_[line]) {
        const int32_t there = shift + rule.shift;
        if (there >= std::min(least[rule.after], max_ops_)) continue;
        least[rule.after] = there;
        open.emplace(there, rule.after);
      }
    };
    reach(from, 0);
    while (!open.empty()) {
      const auto [shift, line] = open.top();
      open.pop();
      if (shift == least[line]) reach(line, shift);
    }
    for (const int line : problem_.lines_of_rank(problem_.lines()[from].rank)) {
      shift_[static_cast<size_t>(from) * per_rank_ + local_[line]] = least[line];
    }
  }
}

// Fills [line a][local line b][shift]: the work of the rank from the start of op i of a until op i + shift of b starts.
// It consists of op i and everything that comes after it and before the other.
void LineGraph::measure_work_between() {
  // Limits memory. Longer windows found nothing more on large problems, and cost time.
  constexpr int64_t kEntries = 1 << 22;
  const auto lines = static_cast<int64_t>(problem_.lines().size());
  window_ = static_cast<int32_t>(std::clamp<int64_t>(kEntries / (lines * per_rank_), 1, max_ops_));
  if (problem_.has_pairs()) window_ = 0;  // pairs do the work of two
  between_ns_.assign(static_cast<size_t>(lines) * per_rank_ * window_, kLongAgo);
  for (int a = 0; a < lines; ++a) {
    const auto on_rank = problem_.lines_of_rank(problem_.lines()[a].rank);
    for (const int b : on_rank) {
      for (int32_t ops = std::max(shift(a, b), 0); ops < window_; ++ops) {
        int64_t work_ns = 0;
        for (const int other : on_rank) {
          const int32_t behind = other == a ? 0 : shift(a, other);
          const int32_t before = shift(other, b);
          if (behind + before <= ops) work_ns += times_.duration_ns(other) * (ops - behind - before + 1);
        }
        between_ns_[between(a, b, ops)] = work_ns;
      }
    }
  }
}

void LineGraph::raise_heads(std::vector<int64_t>& heads) const {
  for (int32_t index = 0; index < max_ops_; ++index) {
    for (const int number : sorted_) {
      const Line& line = problem_.lines()[number];
      if (index >= line.count) continue;
      int64_t head_ns = heads[line.first_op + index];
      for (const Precedence& rule : into_[number]) {
        if (rule.shift > index || index - rule.shift >= problem_.lines()[rule.before].count) continue;
        head_ns = std::max(head_ns, heads[problem_.lines()[rule.before].first_op + index - rule.shift] + rule.delay_ns);
      }
      for (const int other : problem_.lines_of_rank(line.rank)) {
        const Line& before = problem_.lines()[other];
        for (int32_t ops = shift(other, number); ops < std::min(window_, index + 1); ++ops) {
          if (index - ops >= before.count) continue;
          head_ns = std::max(head_ns, heads[before.first_op + index - ops] + between_ns_[between(other, number, ops)]);
        }
      }
      heads[line.first_op + index] = head_ns;
    }
  }
}

void LineGraph::raise_tails(std::vector<int64_t>& tails) const {
  for (int32_t index = max_ops_ - 1; index >= 0; --index) {
    for (auto number = sorted_.rbegin(); number != sorted_.rend(); ++number) {
      const Line& line = problem_.lines()[*number];
      if (index >= line.count) continue;
      int64_t tail_ns = tails[line.first_op + index];
      if (tail_ns >= 0) tail_ns += times_.duration_ns(*number);
      for (const Precedence& rule : from_[*number]) {
        const Line& after = problem_.lines()[rule.after];
        if (index + rule.shift >= after.count) continue;
        tail_ns = std::max(tail_ns, tails[after.first_op + index + rule.shift] + rule.delay_ns);
      }
      for (const int other : problem_.lines_of_rank(line.rank)) {
        const Line& after = problem_.lines()[other];
        for (int32_t ops = shift(*number, other); ops < window_ && index + ops < after.count; ++ops) {
          tail_ns = std::max(tail_ns, tails[after.first_op + index + ops] + between_ns_[between(*number, other, ops)]);
        }
      }
      tails[line.first_op + index] = tail_ns;
    }
  }
}

}  // namespace pipeloom::planner
