#include <algorithm>
#include <queue>
#include <vector>

#include "planner/search/bounds.h"
#include "planner/search/line_graph.h"

namespace pipeloom::planner {

namespace {

// An op for the one-machine bound: its earliest start, its duration, and the least time that follows its end.
struct MachineOp {
  int64_t head_ns = 0;
  int64_t duration_ns = 0;
  int64_t tail_ns = 0;
};

// Returns the end of Jackson's preemptive schedule, which always runs the op with the longest tail among those that
// have arrived. No order of the ops on one machine ends earlier. (Carlier, The One-Machine Sequencing Problem, European
// Journal of Operational Research 1982.)
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
  explicit PathBound(const SearchProblem& problem) : problem_(problem), graph_(problem) {}

  int64_t run() {
    int64_t bound_ns = 0;
    if (problem_.objective() == Objective::kMakespan) {
      heads_.assign(problem_.ops(), 0);
      tails_.assign(problem_.ops(), 0);
      graph_.raise_heads(heads_);
      graph_.raise_tails(tails_);
      for (int rank = 0; rank < problem_.ranks(); ++rank) bound_ns = std::max(bound_ns, machine_ns(rank));
    } else {
      for (int rank = 0; rank < problem_.ranks(); ++rank) bound_ns = std::max(bound_ns, span_ns(rank));
    }
    return bound_ns;
  }

 private:
  // Bounds the span of one rank. Times count from its first start, so all its ops start at 0 or later; only they count
  // at its end.
  int64_t span_ns(int rank) {
    heads_.assign(problem_.ops(), LineGraph::kLongAgo);
    tails_.assign(problem_.ops(), LineGraph::kLongAgo);
    for (const int number : problem_.lines_of_rank(rank)) {
      const Line& line = problem_.lines()[number];
      std::fill_n(heads_.begin() + line.first_op, line.count, 0);
      std::fill_n(tails_.begin() + line.first_op, line.count, 0);
    }
    graph_.raise_heads(heads_);
    graph_.raise_tails(tails_);
    return machine_ns(rank);
  }

  int64_t machine_ns(int rank) {
    ops_.clear();
    int64_t longest_ns = 0;
    for (const int number : problem_.lines_of_rank(rank)) {
      const Line& line = problem_.lines()[number];
      const int64_t duration_ns = graph_.times().duration_ns(number);
      for (int op = line.first_op; op < line.first_op + line.count; ++op) {
        longest_ns = std::max(longest_ns, heads_[op] + tails_[op]);
        ops_.push_back({heads_[op], duration_ns, tails_[op] - duration_ns});
      }
    }
    // The two ops of a pair run at once, so with pairs only paths count.
    return problem_.has_pairs() ? longest_ns : one_machine_ns(ops_);
  }

  const SearchProblem& problem_;
  LineGraph graph_;
  std::vector<int64_t> heads_;  // [op]
  std::vector<int64_t> tails_;  // [op]
  std::vector<MachineOp> ops_;
};

}  // namespace

int64_t path_bound_ns(const SearchProblem& problem) {
  return PathBound(problem).run();
}

}  // namespace pipeloom::planner
