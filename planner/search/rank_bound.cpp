#include <algorithm>
#include <vector>

#include "core/units.h"
#include "planner/search/bounds.h"
#include "planner/search/line_times.h"

namespace pipeloom {

namespace {

// Ops of one kind on a rank: `count` of them, each `duration_ns` long and `size` large.
struct Kind {
  int64_t duration_ns = 0;
  int64_t size = 0;
  int64_t count = 0;
};

// The most time that ops of these kinds can take together within `capacity`, at most `limit` of them; an upper bound
// where sizes differ (the last op is counted in part, rounded up).
int64_t most_ns(std::vector<Kind> kinds, int64_t capacity, int64_t limit) {
  std::ranges::sort(kinds, [](const Kind& a, const Kind& b) {
    return static_cast<int128_t>(a.duration_ns) * b.size > static_cast<int128_t>(b.duration_ns) * a.size;
  });
  const bool same_size = std::ranges::all_of(kinds, [&](const Kind& kind) { return kind.size == kinds[0].size; });
  if (same_size) std::ranges::sort(kinds, std::greater(), &Kind::duration_ns);
  int64_t total_ns = 0;
  int64_t left = limit;
  for (const Kind& kind : kinds) {
    const int64_t fit = kind.size == 0 ? kind.count : std::min(kind.count, capacity / kind.size);
    const int64_t taken = std::min(fit, left);
    total_ns += taken * kind.duration_ns;
    left -= taken;
    capacity -= taken * kind.size;
    if (left == 0 || taken == kind.count) continue;
    if (!same_size && kind.size > 0) {
      total_ns +=
          static_cast<int64_t>((static_cast<int128_t>(kind.duration_ns) * capacity + kind.size - 1) / kind.size);
    }
    break;
  }
  // With sizes that differ `limit` is only kept if the longest are counted.
  if (same_size) return total_ns;
  std::ranges::sort(kinds, std::greater(), &Kind::duration_ns);
  int64_t longest_ns = 0;
  for (const Kind& kind : kinds) {
    const int64_t taken = std::min(kind.count, limit);
    longest_ns += taken * kind.duration_ns;
    limit -= taken;
  }
  return std::min(total_ns, longest_ns);
}

class RankBound {
 public:
  RankBound(const SearchProblem& problem, const LineTimes& times, int rank)
      : problem_(problem), times_(times), rank_(rank), cap_(problem.cap(rank)) {
    std::vector<int> least_stage(problem.pipes(), problem.stages());
    std::vector<int> last_stage(problem.pipes(), -1);
    for (const int number : problem.lines_of_rank(rank)) {
      const Line& line = problem.lines()[number];
      if (line.count == 0) continue;
      const int64_t duration_ns = problem.times()[number].duration_ns;
      if (line.pass == Pass::kF) forwards_.push_back({duration_ns, line.take, line.count});
      if (line.pass == Pass::kW) weights_.push_back({duration_ns, line.give, line.count});
      least_stage[line.pipe] = std::min(least_stage[line.pipe], line.stage);
      last_stage[line.pipe] = std::max(last_stage[line.pipe], line.stage);
    }
    for (int pipe = 0; pipe < problem.pipes(); ++pipe) {
      if (last_stage[pipe] < 0) continue;
      const int first_f = problem.line_number(pipe, least_stage[pipe], Pass::kF);
      const int first_i = problem.line_number(pipe, last_stage[pipe], Pass::kI);
      const int last_i = problem.line_number(pipe, least_stage[pipe], Pass::kI);
      first_f_ns_ = std::min(first_f_ns_, times.head_ns(first_f));
      first_i_ns_ = std::min(first_i_ns_, times.head_ns(first_i));
      round_trip_ns_ = std::min(round_trip_ns_, times.head_ns(first_i) - times.head_ns(first_f));
      tail_ns_ = std::min(tail_ns_, times.tail_ns(last_i));
    }
  }

  int64_t value_ns() const {
    if (forwards_.empty()) return 0;
    if (!problem_.has_pairs()) return idle_before_ns(kAnyNumber) + problem_.work_ns(rank_) + idle_behind_ns();
    const int64_t saved_ns = most_saved_ns();
    int64_t forwards = 0;
    for (const Kind& kind : forwards_) forwards += kind.count;
    int64_t least_ns = INT64_MAX;
    for (int64_t alone = 1; alone <= forwards; ++alone) {
      const int64_t idle_ns = idle_before_ns(alone) + idle_behind_ns();
      least_ns = std::min(least_ns, idle_ns + problem_.work_ns(rank_) - (forwards - alone) * saved_ns);
    }
    return std::max(least_ns, shortest_work_ns());
  }

 private:
  static constexpr int64_t kAnyNumber = INT64_MAX;

  // Before the first I only F's run, `forwards` of them at most.
  int64_t idle_before_ns(int64_t forwards) const {
    const int64_t busy_ns = most_ns(forwards_, cap_, forwards);
    if (problem_.objective() == Objective::kSpan) return std::max<int64_t>(0, round_trip_ns_ - busy_ns);
    return std::max(first_f_ns_, first_i_ns_ - busy_ns);
  }

  // After the last I only W's run, as many as memory held besides that I's activation, and its own.
  int64_t idle_behind_ns() const {
    if (problem_.objective() == Objective::kSpan) return 0;
    if (weights_.empty()) return tail_ns_;
    int64_t smallest = INT64_MAX;
    int64_t longest_ns = 0;
    for (const Kind& kind : forwards_) smallest = std::min(smallest, kind.size);
    for (const Kind& kind : weights_) longest_ns = std::max(longest_ns, kind.duration_ns);
    const int64_t pending_ns = most_ns(weights_, cap_ - smallest, kAnyNumber) + longest_ns;
    return std::max<int64_t>(0, tail_ns_ - pending_ns);
  }

  int64_t most_saved_ns() const {
    int64_t saved_ns = 0;
    for_pairs([&](int64_t alone_ns, int64_t pair_ns) { saved_ns = std::max(saved_ns, alone_ns - pair_ns); });
    return saved_ns;
  }

  int64_t shortest_work_ns() const {
    int64_t least_ns = 0;
    for (const Kind& kind : forwards_) least_ns += kind.duration_ns * kind.count;
    return least_ns;
  }

  template <typename Visit>
  void for_pairs(Visit visit) const {
    const auto times = problem_.times();
    for (const int f : problem_.lines_of_rank(rank_)) {
      for (const int b : problem_.lines_of_rank(rank_)) {
        if (problem_.lines()[f].pass != Pass::kF || problem_.lines()[b].pass != Pass::kI) continue;
        const int64_t w_ns = problem_.splits_backward() ? times[b + 1].duration_ns : 0;
        visit(times[f].duration_ns + times[b].duration_ns + w_ns, times[problem_.pair_times(f, b)].duration_ns);
      }
    }
  }

  const SearchProblem& problem_;
  const LineTimes& times_;
  int rank_;
  int64_t cap_;
  std::vector<Kind> forwards_;
  std::vector<Kind> weights_;
  int64_t first_f_ns_ = INT64_MAX;
  int64_t first_i_ns_ = INT64_MAX;
  int64_t round_trip_ns_ = INT64_MAX;
  int64_t tail_ns_ = INT64_MAX;
};

}  // namespace

int64_t rank_bound_ns(const SearchProblem& problem) {
  const LineTimes times(problem);
  int64_t bound_ns = 0;
  for (int rank = 0; rank < problem.ranks(); ++rank) {
    bound_ns = std::max(bound_ns, RankBound(problem, times, rank).value_ns());
  }
  return bound_ns;
}

int64_t lower_bound_ns(const SearchProblem& problem) {
  // Spans take one pass over the problem for each rank.
  constexpr int64_t kMostOps = 1 << 24;
  const int64_t passes = problem.objective() == Objective::kSpan ? problem.ranks() : 1;
  const int64_t by_rank_ns = rank_bound_ns(problem);
  return passes * problem.ops() > kMostOps ? by_rank_ns : std::max(by_rank_ns, path_bound_ns(problem));
}

}  // namespace pipeloom
