#include <algorithm>
#include <vector>

#include "core/base/units.h"
#include "planner/search/bounds.h"
#include "planner/search/line_times.h"

namespace pipeloom::planner {

namespace {

// `count` ops of one kind on a rank, each `duration_ns` long and of `size` memory.
struct Kind {
  int64_t duration_ns = 0;
  int64_t size = 0;
  int64_t count = 0;
};

// Returns the most time that at most `limit` ops of these kinds can take together within `capacity` of memory. An upper
// bound if sizes differ: the last op is counted in part, rounded up.
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
  // If sizes differ, this sum may ignore `limit`; the sum of the `limit` longest ops does not.
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

// An upper bound of what any pairing of F's with B's saves: `forward[i]` for each paired F of kind i and `backward[j]`
// for each paired B of kind j, with forward[i] + backward[j] at least what a pair of the two saves. These are the dual
// prices of a transport problem, and all prices that keep this rule give a bound. The best of one choice per kind of B
// is taken; for two chunks it is the optimum.
struct PairPrices {
  std::vector<int64_t> forward;
  std::vector<int64_t> backward;
  int64_t most_saved_ns = 0;
};

PairPrices pair_prices(const std::vector<std::vector<int64_t>>& saved_ns, const std::vector<int64_t>& counts) {
  const size_t chunks = counts.size();
  PairPrices best;
  best.most_saved_ns = INT64_MAX;
  for (size_t pivot = 0; pivot < chunks; ++pivot) {
    PairPrices prices = {std::vector<int64_t>(chunks, 0), std::vector<int64_t>(chunks, 0), 0};
    for (size_t f = 0; f < chunks; ++f) prices.forward[f] = std::max<int64_t>(0, saved_ns[f][pivot]);
    for (size_t b = 0; b < chunks; ++b) {
      for (size_t f = 0; f < chunks; ++f) {
        prices.backward[b] = std::max(prices.backward[b], saved_ns[f][b] - prices.forward[f]);
      }
    }
    for (size_t f = 0; f < chunks; ++f) {
      prices.forward[f] = 0;
      for (size_t b = 0; b < chunks; ++b) {
        prices.forward[f] = std::max(prices.forward[f], saved_ns[f][b] - prices.backward[b]);
      }
    }
    for (size_t c = 0; c < chunks; ++c) {
      prices.most_saved_ns += counts[c] * (prices.forward[c] + prices.backward[c]);
    }
    if (prices.most_saved_ns < best.most_saved_ns) best = std::move(prices);
  }
  return best;
}

// What the bound needs to know of one chunk of the rank.
struct ChunkLines {
  int64_t count = 0;
  int64_t size = 0;
  int64_t forward_ns = 0;
  int64_t backward_ns = 0;       // I and W, alone
  int64_t most_backward_ns = 0;  // the longest slots that its I and its W can be in
  int64_t first_i_ns = 0;        // the earliest start of its first I ...
  int64_t between_ns = 0;        // ... and the least time between further ones
};

class RankBound {
 public:
  RankBound(const SearchProblem& problem, const LineTimes& times, int rank)
      : problem_(problem), times_(times), cap_(problem.cap(rank)) {
    std::vector<int> least_stage(problem.pipes(), problem.stages());
    for (const Chunk& chunk : problem.placement().chunks_of(rank)) {
      if (problem.micro_batches_of(chunk.pipe) == 0) continue;
      least_stage[chunk.pipe] = std::min(least_stage[chunk.pipe], chunk.stage);
    }
    for (const Chunk& chunk : problem.placement().chunks_of(rank)) {
      if (problem.micro_batches_of(chunk.pipe) == 0) continue;
      add_chunk(chunk, problem.line_number(chunk.pipe, least_stage[chunk.pipe], Pass::kF));
      if (chunk.stage != least_stage[chunk.pipe]) continue;
      const int first_f = problem.line_number(chunk.pipe, chunk.stage, Pass::kF);
      if (problem.objective() == Objective::kMakespan) first_f_ns_ = std::min(first_f_ns_, times.head_ns(first_f));
      tail_ns_ = std::min(tail_ns_, times.tail_ns(SearchProblem::input_line_of(first_f)));
    }
    if (problem.objective() == Objective::kSpan) first_f_ns_ = 0;
    if (problem.has_pairs() && !chunks_.empty()) price_pairs();
  }

  int64_t value_ns() const {
    if (chunks_.empty()) return 0;
    const int64_t least_ns = busy_and_idle_before_ns() + work_ns_ - prices_.most_saved_ns + idle_behind_ns();
    return std::max(least_ns, shortest_work_ns());
  }

 private:
  static constexpr int64_t kAnyNumber = INT64_MAX;

  void add_chunk(const Chunk& chunk, int first_f) {
    const int f = problem_.line_number(chunk.pipe, chunk.stage, Pass::kF);
    const int i = SearchProblem::input_line_of(f);
    const int w = SearchProblem::weight_line_of(i);
    ChunkLines lines;
    lines.count = problem_.lines()[f].count;
    lines.size = problem_.lines()[f].take;
    lines.forward_ns = times_.alone_ns(f);
    lines.backward_ns = times_.alone_ns(i) + (problem_.splits_backward() ? times_.alone_ns(w) : 0);
    lines.most_backward_ns = lines.backward_ns;
    lines.first_i_ns = times_.head_ns(i);
    if (problem_.objective() == Objective::kSpan) lines.first_i_ns -= times_.head_ns(first_f);
    if (chunk.stage + 1 < problem_.stages() && times_.head_ns(i) > 0) lines.between_ns = between_last_ns(chunk.pipe);
    work_ns_ += lines.count * (lines.forward_ns + lines.backward_ns);
    forwards_.push_back({lines.forward_ns, lines.size, lines.count});
    if (problem_.splits_backward()) {
      weights_.push_back({times_.alone_ns(w), problem_.lines()[w].give, lines.count});
    }
    forward_lines_.push_back(f);
    chunks_.push_back(lines);
  }

  // The rank of the last stage runs an F and an I between two I's of that stage, one after the other or as a pair.
  int64_t between_last_ns(int pipe) const {
    const int f = problem_.line_number(pipe, problem_.stages() - 1, Pass::kF);
    const int i = SearchProblem::input_line_of(f);
    const int64_t in_turn_ns = times_.duration_ns(f) + times_.duration_ns(i);
    if (!problem_.has_pairs()) return in_turn_ns;
    return std::min(in_turn_ns, problem_.times()[problem_.pair_times(f, i)].duration_ns);
  }

  void price_pairs() {
    std::vector<std::vector<int64_t>> saved_ns(chunks_.size(), std::vector<int64_t>(chunks_.size()));
    std::vector<int64_t> counts;
    for (size_t f = 0; f < chunks_.size(); ++f) {
      counts.push_back(chunks_[f].count);
      for (size_t b = 0; b < chunks_.size(); ++b) {
        const int input_line = SearchProblem::input_line_of(forward_lines_[b]);
        const int pair = problem_.pair_times(forward_lines_[f], input_line);
        int64_t pair_ns = problem_.times()[pair].duration_ns;
        // Adds the W, wherever it runs.
        const bool weight_apart = problem_.splits_backward() && !problem_.pairs_hold_weight();
        if (weight_apart) pair_ns += times_.alone_ns(SearchProblem::weight_line_of(input_line));
        saved_ns[f][b] = chunks_[f].forward_ns + chunks_[b].backward_ns - pair_ns;
        chunks_[b].most_backward_ns = std::max(chunks_[b].most_backward_ns, pair_ns);
      }
    }
    prices_ = pair_prices(saved_ns, counts);
  }

  // Returns the least that it costs not to pair F's that take `forwards_ns` in all. As many B's stay alone as F's.
  int64_t least_cost_ns(int64_t forwards_ns) const {
    if (!problem_.has_pairs()) return 0;
    const int64_t backward_price = *std::ranges::min_element(prices_.backward);
    int64_t least_ns = forwards_ns;
    for (size_t c = 0; c < chunks_.size(); ++c) {
      const int64_t price = prices_.forward[c] + backward_price;
      if (price >= chunks_[c].forward_ns) continue;
      least_ns = std::min(least_ns, static_cast<int64_t>(int128_t{forwards_ns} * price / chunks_[c].forward_ns));
    }
    return least_ns;
  }

  // Returns the least time lost until `at_ns`, when `arrived[c]` I's of chunk c can have started: the time that these
  // I's and F's alone do not fill, plus the cost of not pairing these F's.
  int64_t lost_until_ns(int64_t at_ns, const std::vector<int64_t>& arrived) const {
    int64_t room = cap_;
    for (size_t c = 0; c < chunks_.size(); ++c) {
      at_ns -= arrived[c] * chunks_[c].most_backward_ns;
      room += arrived[c] * chunks_[c].size;
    }
    if (at_ns <= first_f_ns_) return first_f_ns_;
    const int64_t filled_ns = std::min(at_ns - first_f_ns_, most_ns(forwards_, room, kAnyNumber));
    return at_ns - filled_ns + least_cost_ns(filled_ns);
  }

  // Returns the greatest loss over all moments at which an I can be the next to start; early moments say most.
  int64_t busy_and_idle_before_ns() const {
    constexpr int64_t kMaxMoments = 256;
    std::vector<int64_t> arrived(chunks_.size(), 0);
    int64_t lost_ns = first_f_ns_;
    for (int64_t moment = 0; moment < kMaxMoments; ++moment) {
      size_t next = 0;
      int64_t next_ns = INT64_MAX;
      for (size_t c = 0; c < chunks_.size(); ++c) {
        const int64_t arrival_ns = chunks_[c].first_i_ns + arrived[c] * chunks_[c].between_ns;
        if (arrived[c] == chunks_[c].count || arrival_ns >= next_ns) continue;
        next = c;
        next_ns = arrival_ns;
      }
      if (next_ns == INT64_MAX) break;
      lost_ns = std::max(lost_ns, lost_until_ns(next_ns, arrived));
      ++arrived[next];
    }
    return lost_ns;
  }

  // Returns the idle time after a rank's last I. Only W's run there: as many as memory held besides that I's
  // activation, and the I's own.
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

  int64_t shortest_work_ns() const {
    int64_t least_ns = 0;
    for (const Kind& kind : forwards_) least_ns += kind.duration_ns * kind.count;
    return least_ns;
  }

  const SearchProblem& problem_;
  const LineTimes& times_;
  int64_t cap_;
  int64_t work_ns_ = 0;
  std::vector<ChunkLines> chunks_;
  std::vector<int> forward_lines_;  // [chunk]
  std::vector<Kind> forwards_;
  std::vector<Kind> weights_;
  PairPrices prices_;
  int64_t first_f_ns_ = INT64_MAX;
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
  // Limits the path bound to seconds. Spans take one pass over the problem for each rank.
  constexpr int64_t kMaxOps = 1 << 24;
  const int64_t passes = problem.objective() == Objective::kSpan ? problem.ranks() : 1;
  const int64_t by_rank_ns = rank_bound_ns(problem);
  return passes * problem.ops() > kMaxOps ? by_rank_ns : std::max(by_rank_ns, path_bound_ns(problem));
}

}  // namespace pipeloom::planner
