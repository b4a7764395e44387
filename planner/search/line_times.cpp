#include "planner/search/line_times.h"

#include <algorithm>

namespace pipeloom::planner {

namespace {

// Extremes over a line's ops, alone or in any pair: the earliest output, counted from the start and from the end of the
// slot; the latest need; the shortest slot.
struct Extremes {
  int64_t ready_ns = 0;
  int64_t ready_after_end_ns = 0;
  int64_t need_ns = 0;
  int64_t duration_ns = 0;

  // `alone_ns` may be less than the op's own duration.
  Extremes(const OpTimes& alone, int64_t alone_ns)
      : ready_ns(alone.ready_ns),
        ready_after_end_ns(alone.ready_ns - alone_ns),
        need_ns(alone.need_ns),
        duration_ns(alone_ns) {}
  void include(const OpTimes& pair) {
    ready_ns = std::min(ready_ns, pair.ready_ns);
    ready_after_end_ns = std::min(ready_after_end_ns, pair.ready_ns - pair.duration_ns);
    need_ns = std::max(need_ns, pair.need_ns);
    duration_ns = std::min(duration_ns, pair.duration_ns);
  }
};

int64_t least_alone_ns(const SearchProblem& problem, const Line& line, int64_t duration_ns) {
  const StageCost& cost = problem.costs().stage(line.stage);
  const int64_t i_ns = std::min(cost.input_backward.duration_ns, cost.backward.duration_ns);
  if (line.pass == Pass::kI) return i_ns;
  if (line.pass == Pass::kW) return std::min(duration_ns, cost.backward.duration_ns - i_ns);
  return duration_ns;
}

// Returns the times of an I or a B: the earliest output and the latest need of either.
OpTimes earliest(const SearchProblem& problem, const Line& line, OpTimes times) {
  if (line.pass != Pass::kI) return times;
  const StageCost& cost = problem.costs().stage(line.stage);
  const PassCost& own = problem.splits_backward() ? cost.input_backward : cost.backward;
  const PassCost& other = problem.splits_backward() ? cost.backward : cost.input_backward;
  times.ready_ns -= own.ready_ns - std::min(own.ready_ns, other.ready_ns);
  times.need_ns = std::max(own.need_ns, other.need_ns);
  return times;
}

std::vector<Extremes> extremes_of(const SearchProblem& problem) {
  const auto times = problem.times();
  const auto lines = problem.lines();
  std::vector<Extremes> extremes;
  for (size_t i = 0; i < lines.size(); ++i) {
    const int64_t alone_ns = least_alone_ns(problem, lines[i], times[i].duration_ns);
    extremes.emplace_back(earliest(problem, lines[i], times[i]), alone_ns);
  }
  if (!problem.has_pairs()) return extremes;
  for (int rank = 0; rank < problem.ranks(); ++rank) {
    for (const int f : problem.lines_of_rank(rank)) {
      if (lines[f].pass != Pass::kF) continue;
      for (const int b : problem.lines_of_rank(rank)) {
        if (lines[b].pass != Pass::kI) continue;
        const int pair = problem.pair_times(f, b);
        extremes[f].include(times[pair]);
        extremes[b].include(times[SearchProblem::partner_times(pair)]);
      }
    }
  }
  return extremes;
}

}  // namespace

LineTimes::LineTimes(const SearchProblem& problem) {
  const auto lines = problem.lines();
  const std::vector<Extremes> extremes = extremes_of(problem);
  for (const Extremes& line : extremes) duration_ns_.push_back(line.duration_ns);
  for (size_t i = 0; i < lines.size(); ++i) {
    alone_ns_.push_back(least_alone_ns(problem, lines[i], problem.times()[i].duration_ns));
  }
  hand_over_ns_.resize(lines.size());
  head_ns_.assign(lines.size(), 0);
  tail_ns_.assign(lines.size(), 0);
  for (size_t i = 0; i < lines.size(); ++i) {
    hand_over_ns_[i] = extremes[i].ready_ns;
    if (lines[i].output >= 0) hand_over_ns_[i] -= extremes[lines[i].output].need_ns;
  }
  for (int pipe = 0; pipe < problem.pipes(); ++pipe) {
    int64_t head_ns = 0;
    for (int stage = 0; stage < problem.stages(); ++stage) {
      const int line = problem.line_number(pipe, stage, Pass::kF);
      head_ns_[line] = std::max<int64_t>(head_ns, 0);
      head_ns += stage + 1 < problem.stages() ? hand_over_ns_[line] : extremes[line].duration_ns;
    }
    for (int stage = problem.stages() - 1; stage >= 0; --stage) {
      const int line = problem.line_number(pipe, stage, Pass::kI);
      head_ns_[line] = std::max<int64_t>(head_ns, 0);
      head_ns += hand_over_ns_[line];
    }
    // Least time from the start of an I to the end of everything that follows it.
    int64_t rest_ns = 0;
    for (int stage = 0; stage < problem.stages(); ++stage) {
      const int line = problem.line_number(pipe, stage, Pass::kI);
      if (stage > 0) {
        tail_ns_[line] = extremes[line].ready_after_end_ns - extremes[lines[line].output].need_ns + rest_ns;
        rest_ns += hand_over_ns_[line];
      } else {
        const int64_t w_ns = problem.splits_backward() ? alone_ns_[SearchProblem::weight_line_of(line)] : 0;
        tail_ns_[line] = problem.pairs_hold_weight() ? 0 : w_ns;
        // A pair lasts at least as long as its I, and the W inside.
        rest_ns = alone_ns_[line] + w_ns;
      }
      tail_ns_[line] = std::max<int64_t>(tail_ns_[line], 0);
    }
  }
}

}  // namespace pipeloom::planner
