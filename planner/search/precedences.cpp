#include "planner/search/precedences.h"

#include <algorithm>

#include "planner/search/line_times.h"

namespace pipeloom::planner {

namespace {

class Collector {
 public:
  explicit Collector(const SearchProblem& problem) : problem_(problem), times_(problem) {}

  std::vector<Precedence> run() {
    const auto lines = problem_.lines();
    for (int number = 0; number < static_cast<int>(lines.size()); ++number) {
      const Line& line = lines[number];
      if (line.count == 0) continue;
      add(number, number, 1, duration(number), true);
      if (line.output >= 0) {
        const bool same_rank = lines[line.output].rank == line.rank;
        const int64_t delay_ns =
            same_rank ? std::max(times_.hand_over_ns(number), duration(number)) : times_.hand_over_ns(number);
        add(number, line.output, 0, delay_ns, same_rank);
      }
      if (line.pass == Pass::kF) add(number, SearchProblem::input_line_of(number), 0, duration(number), true);
      // The W inside a pair has no slot of its own that could come later.
      if (line.pass == Pass::kI && problem_.splits_backward() && !problem_.pairs_hold_weight()) {
        add(number, SearchProblem::weight_line_of(number), 0, duration(number), true);
      }
    }
    for (int rank = 0; rank < problem_.ranks(); ++rank) {
      if (problem_.has_cap(rank)) add_memory(rank);
    }
    return std::move(precedences_);
  }

 private:
  int64_t duration(int line) const { return times_.duration_ns(line); }

  void add(int before, int after, int64_t shift, int64_t delay_ns, bool same_rank) {
    if (shift >= problem_.lines()[after].count) return;
    precedences_.push_back({before, after, static_cast<int32_t>(shift), delay_ns, same_rank});
  }

  // Let c(1) .. c(V) be the chunks of one pipe on a rank, by stage. Until I of c(V) of micro-batch m has given memory
  // back, no micro-batch from m on has given back anything. If c(j) has run its F's up to m + x, so has each of c(1) ..
  // c(j); so j(x + 1) + (V - j) activations are held. This also holds for c(1) .. c(k) alone, k < V.
  void add_memory(int rank) {
    for (int pipe = 0; pipe < problem_.pipes(); ++pipe) {
      std::vector<int> chunks;
      int64_t smallest = INT64_MAX;
      for (const int number : problem_.lines_of_rank(rank)) {
        const Line& line = problem_.lines()[number];
        if (line.pipe != pipe || line.pass != Pass::kF || line.count == 0) continue;
        chunks.push_back(number);
        smallest = std::min(smallest, line.take);
      }
      if (chunks.empty() || smallest == 0) continue;
      const int64_t held = problem_.cap(rank) / smallest;
      for (int64_t last = 1; last <= static_cast<int64_t>(chunks.size()); ++last) {
        for (int64_t j = 1; j <= last; ++j) {
          const int64_t shift = (held - last + j) / j;
          add_release(chunks, static_cast<int>(last) - 1, chunks[j - 1], shift);
        }
      }
      if (chunks.size() == 1) add_pending(chunks[0], rank);
    }
  }

  void add_release(const std::vector<int>& chunks, int last, int forward, int64_t shift) {
    const int backward = SearchProblem::input_line_of(chunks[last]);
    int64_t delay_ns = duration(backward);
    // If I gives nothing back, some W of the same or a later micro-batch has to run first.
    if (problem_.splits_backward() && !problem_.pairs_hold_weight()) {
      int64_t shortest_ns = INT64_MAX;
      bool by_weight = true;
      for (int i = 0; i <= last; ++i) {
        const int input_line = SearchProblem::input_line_of(chunks[i]);
        shortest_ns = std::min(shortest_ns, duration(SearchProblem::weight_line_of(input_line)));
        by_weight = by_weight && problem_.lines()[input_line].give <= 0;
      }
      if (by_weight) delay_ns += shortest_ns;
    }
    add(backward, forward, shift, delay_ns, true);
  }

  // One chunk that keeps a share w of its activation for W: of f activations that F took, those whose W is still to
  // come hold at least min(1, w) each. So W number f - floor((cap - 1) / min(1, w)) - 1 comes before F number f.
  void add_pending(int forward, int rank) {
    if (!problem_.splits_backward() || problem_.pairs_hold_weight()) return;
    const int weight_line = SearchProblem::weight_line_of(SearchProblem::input_line_of(forward));
    const Line& weight = problem_.lines()[weight_line];
    const int64_t size = problem_.lines()[forward].take;
    const int64_t least = std::min(size, weight.give);
    if (least == 0) return;
    const int64_t pending = (problem_.cap(rank) - size) / least;
    add(weight_line, forward, pending + 1, duration(weight_line), true);
  }

  const SearchProblem& problem_;
  LineTimes times_;
  std::vector<Precedence> precedences_;
};

}  // namespace

std::vector<Precedence> precedences_of(const SearchProblem& problem) {
  return Collector(problem).run();
}

}  // namespace pipeloom::planner
