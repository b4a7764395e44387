#include <algorithm>
#include <queue>
#include <vector>

#include "planner/search/bounds.h"
#include "planner/search/line_times.h"
#include "planner/search/precedences.h"

namespace pipeloom {

namespace {

constexpr int32_t kUnrelated = INT32_MAX / 4;
constexpr int64_t kLongAgo = INT64_MIN / 4;

// An op with its earliest start, duration and what follows its end, for the one-machine bound.
struct MachineOp {
  int64_t head_ns = 0;
  int64_t duration_ns = 0;
  int64_t tail_ns = 0;
};

// Jackson's preemptive schedule: of what has arrived, run what has the longest tail. No order of the ops on one machine
// ends earlier. (Carlier, The One-Machine Sequencing Problem, European Journal of Operational Research 1982.)
int64_t one_machine_ns(std::vector<MachineOp>& ops) {
  std::ranges::sort(ops, {}, &MachineOp::head_ns);
  struct Part {
    int64_t tail_ns;
    int64_t left_ns;
    bool operator<(const Part& other) const { return tail_ns < other.tail_ns; }
  };
  std::priority_queue<Part> ready;
  int64_t bound_ns = 0;
  int64_t now_ns = INT64_MIN;
  for (size_t i = 0; i < ops.size() || !ready.empty();) {
    if (ready.empty()) now_ns = std::max(now_ns, ops[i].head_ns);
    for (; i < ops.size() && ops[i].head_ns <= now_ns; ++i) ready.push({ops[i].tail_ns, ops[i].duration_ns});
    Part part = ready.top();
    ready.pop();
    const int64_t until_ns = i < ops.size() ? ops[i].head_ns : INT64_MAX;
    const int64_t run_ns = std::min(part.left_ns, until_ns - now_ns);
    now_ns += run_ns;
    part.left_ns -= run_ns;
    if (part.left_ns > 0) {
      ready.push(part);
    } else {
      bound_ns = std::max(bound_ns, now_ns + part.tail_ns);
    }
  }
  return bound_ns;
}

class PathBound {
 public:
  explicit PathBound(const SearchProblem& problem)
      : problem_(problem), times_(problem), precedences_(precedences_of(problem)) {
    sort_lines();
    const size_t lines = problem.lines().size();
    into_.resize(lines);
    from_.resize(lines);
    for (const Precedence& precedence : precedences_) {
      into_[precedence.after].push_back(precedence);
      from_[precedence.before].push_back(precedence);
    }
    most_ops_ = 0;
    for (const Line& line : problem.lines()) most_ops_ = std::max(most_ops_, line.count);
    measure_shifts();
    measure_work_between();
    heads_.resize(problem.ops());
    tails_.resize(problem.ops());
  }

  int64_t run() {
    if (problem_.objective() == Objective::kMakespan) {
      std::ranges::fill(heads_, 0);
      std::ranges::fill(tails_, 0);
      sweep_heads();
      sweep_tails();
      int64_t bound_ns = 0;
      for (int rank = 0; rank < problem_.ranks(); ++rank) bound_ns = std::max(bound_ns, machine_ns(rank));
      return bound_ns;
    }
    int64_t bound_ns = 0;
    for (int rank = 0; rank < problem_.ranks(); ++rank) bound_ns = std::max(bound_ns, span_ns(rank));
    return bound_ns;
  }

 private:
  // Seen from the first start of a rank, all its ops are at 0 or later; only they count at its end.
  int64_t span_ns(int rank) {
    std::ranges::fill(heads_, kLongAgo);
    std::ranges::fill(tails_, kLongAgo);
    for (const int number : problem_.lines_of_rank(rank)) {
      const Line& line = problem_.lines()[number];
      std::fill_n(heads_.begin() + line.first_op, line.count, 0);
      std::fill_n(tails_.begin() + line.first_op, line.count, 0);
    }
    sweep_heads();
    sweep_tails();
    return machine_ns(rank);
  }

  // An order of the lines in which every rule without a shift goes forward: F's down the stages, I's up, then W's.
  void sort_lines() {
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

  int local(int line) const { return local_[line]; }

  // Op i + shift(a, b) of line b, and no earlier one, comes after op i of line a by the rules: the least sum of shifts
  // from a to b. Only lines of one rank are kept.
  void measure_shifts() {
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
          if (there >= std::min(least[rule.after], most_ops_)) continue;
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
        shift_[static_cast<size_t>(from) * per_rank_ + local(line)] = least[line];
      }
    }
  }

  int32_t shift(int from, int to) const { return shift_[static_cast<size_t>(from) * per_rank_ + local(to)]; }

  // [line a][local line b][shift] What the rank has to do from the start of op i of a, with it, until op i + shift of
  // b: everything that comes after the one and before the other.
  void measure_work_between() {
    // Longer windows found nothing more on large problems, and cost time.
    constexpr int64_t kEntries = 1 << 22;
    const auto lines = static_cast<int64_t>(problem_.lines().size());
    window_ = static_cast<int32_t>(std::clamp<int64_t>(kEntries / (lines * per_rank_), 1, most_ops_));
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

  size_t between(int a, int b, int32_t ops) const {
    return (static_cast<size_t>(a) * per_rank_ + local(b)) * window_ + ops;
  }

  void sweep_heads() {
    for (int32_t index = 0; index < most_ops_; ++index) {
      for (const int number : sorted_) {
        const Line& line = problem_.lines()[number];
        if (index >= line.count) continue;
        int64_t head_ns = heads_[line.first_op + index];
        for (const Precedence& rule : into_[number]) {
          if (rule.shift > index || index - rule.shift >= problem_.lines()[rule.before].count) continue;
          head_ns =
              std::max(head_ns, heads_[problem_.lines()[rule.before].first_op + index - rule.shift] + rule.delay_ns);
        }
        for (const int other : problem_.lines_of_rank(line.rank)) {
          const Line& before = problem_.lines()[other];
          for (int32_t ops = shift(other, number); ops < std::min(window_, index + 1); ++ops) {
            if (index - ops >= before.count) continue;
            head_ns =
                std::max(head_ns, heads_[before.first_op + index - ops] + between_ns_[between(other, number, ops)]);
          }
        }
        heads_[line.first_op + index] = head_ns;
      }
    }
  }

  // Tails from the start of an op.
  void sweep_tails() {
    for (int32_t index = most_ops_ - 1; index >= 0; --index) {
      for (auto number = sorted_.rbegin(); number != sorted_.rend(); ++number) {
        const Line& line = problem_.lines()[*number];
        if (index >= line.count) continue;
        int64_t tail_ns = tails_[line.first_op + index];
        if (tail_ns >= 0) tail_ns += times_.duration_ns(*number);
        for (const Precedence& rule : from_[*number]) {
          const Line& after = problem_.lines()[rule.after];
          if (index + rule.shift >= after.count) continue;
          tail_ns = std::max(tail_ns, tails_[after.first_op + index + rule.shift] + rule.delay_ns);
        }
        for (const int other : problem_.lines_of_rank(line.rank)) {
          const Line& after = problem_.lines()[other];
          for (int32_t ops = shift(*number, other); ops < window_ && index + ops < after.count; ++ops) {
            tail_ns =
                std::max(tail_ns, tails_[after.first_op + index + ops] + between_ns_[between(*number, other, ops)]);
          }
        }
        tails_[line.first_op + index] = tail_ns;
      }
    }
  }

  int64_t machine_ns(int rank) {
    ops_.clear();
    for (const int number : problem_.lines_of_rank(rank)) {
      const Line& line = problem_.lines()[number];
      const int64_t duration_ns = times_.duration_ns(number);
      for (int op = line.first_op; op < line.first_op + line.count; ++op) {
        // Two ops of a pair run at once: only the path counts.
        if (problem_.has_pairs()) {
          longest_ns_ = std::max(longest_ns_, heads_[op] + tails_[op]);
        } else {
          ops_.push_back({heads_[op], duration_ns, tails_[op] - duration_ns});
        }
      }
    }
    return problem_.has_pairs() ? longest_ns_ : one_machine_ns(ops_);
  }

  const SearchProblem& problem_;
  LineTimes times_;
  std::vector<Precedence> precedences_;
  std::vector<std::vector<Precedence>> into_;  // [line]
  std::vector<std::vector<Precedence>> from_;  // [line]
  std::vector<int> sorted_;
  std::vector<int> local_;  // [line] number among the lines of its rank
  int per_rank_ = 0;
  int32_t most_ops_ = 0;
  int32_t window_ = 0;
  std::vector<int32_t> shift_;       // [line][local line]
  std::vector<int64_t> between_ns_;  // [line][local line][shift]
  std::vector<int64_t> heads_;       // [op]
  std::vector<int64_t> tails_;       // [op]
  std::vector<MachineOp> ops_;
  int64_t longest_ns_ = 0;
};

}  // namespace

int64_t path_bound_ns(const SearchProblem& problem) {
  return PathBound(problem).run();
}

}  // namespace pipeloom
