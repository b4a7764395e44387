#include "planner/search/repetend.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "planner/search/candidate.h"

namespace pipeloom::planner {

namespace {

// Slots `begin` .. `end` - 1 of one rank's order.
struct Window {
  size_t begin = 0;
  size_t end = 0;
};

class Repeater {
 public:
  Repeater(const SearchProblem& shorter, const Order& order, const SearchProblem& longer)
      : shorter_(shorter), order_(order), longer_(longer), solved_(shorter), slots_(shorter.ranks()) {
    if (!solved_.reset(order)) return;
    for (int rank = 0; rank < shorter.ranks(); ++rank) {
      for (int slot = order.next(shorter.begin_of(rank)); slot < shorter.ops(); slot = order.next(slot)) {
        slots_[rank].push_back(slot);
        last_start_ns_ = std::max(last_start_ns_, solved_.start_ns(slot));
      }
    }
  }

  std::optional<Order> best() const {
    constexpr int kMaxInWindow = 4;  // micro-batches of each pipe
    constexpr int kPercents[] = {30, 40, 50, 60, 70};
    std::optional<Order> best;
    int64_t best_ns = INT64_MAX;
    Candidate candidate(longer_);
    for (const int percent : kPercents) {
      for (int count = 1; count <= kMaxInWindow; ++count) {
        if (more() % count != 0) continue;
        auto order = with_window(last_start_ns_ / 100 * percent, count);
        if (!order || !candidate.reset(*order) || candidate.value_ns() >= best_ns) continue;
        best_ns = candidate.value_ns();
        best = std::move(order);
        break;
      }
    }
    return best;
  }

 private:
  // Returns how many more micro-batches every pipe has in the longer problem; 0 if pipes differ in that.
  int more() const {
    const int first = longer_.micro_batches_of(0) - shorter_.micro_batches_of(0);
    for (int pipe = 1; pipe < longer_.pipes(); ++pipe) {
      if (longer_.micro_batches_of(pipe) - shorter_.micro_batches_of(pipe) != first) return 0;
    }
    return first;
  }

  template <typename Visit>
  void for_each_op(int slot, const Visit& visit) const {
    visit(slot);
    const int joined = order_.partner(slot);
    if (joined < 0) return;
    visit(joined);
    if (shorter_.pairs_hold_weight() && shorter_.line_of(joined).pass == Pass::kI) visit(weight_op(shorter_, joined));
  }

  // Returns the window from the first slot that starts at `at_ns` or later until every line of the rank has run `count`
  // times. nullopt if some line would run more often.
  std::optional<Window> window(int rank, int64_t at_ns, int count) const {
    const std::vector<int32_t>& slots = slots_[rank];
    const auto first = std::ranges::find_if(slots, [&](int slot) { return solved_.start_ns(slot) >= at_ns; });
    Window window = {static_cast<size_t>(first - slots.begin()), static_cast<size_t>(first - slots.begin())};
    std::vector<int> runs(shorter_.lines().size(), 0);
    size_t left = 0;
    for (const int line : shorter_.lines_of_rank(rank)) left += shorter_.lines()[line].count > 0 ? 1 : 0;
    bool too_often = false;
    while (left > 0 && window.end < slots.size() && !too_often) {
      for_each_op(slots[window.end++], [&](int op) {
        const int run = ++runs[shorter_.line_number_of(op)];
        if (run == count) --left;
        too_often = too_often || run > count;
      });
    }
    if (left > 0 || too_often) return std::nullopt;
    return window;
  }

  std::optional<Order> with_window(int64_t at_ns, int count) const {
    Order order(longer_);
    std::vector<uint8_t> placed(longer_.ops(), 0);
    int ops = 0;
    bool valid = true;
    const auto moved = [&](int op, int by) {
      const int line = shorter_.line_number_of(op);
      const int index = op - shorter_.lines()[line].first_op + by;
      const int other = longer_.lines()[line].first_op + index;
      valid = valid && index < longer_.lines()[line].count && std::exchange(placed[other], 1) == 0;
      return other;
    };
    const auto append = [&](int rank, size_t begin, size_t end, int by) {
      for (size_t i = begin; i < end && valid; ++i) {
        const int slot = slots_[rank][i];
        int first = -1;
        int joined = -1;
        for_each_op(slot, [&](int op) {
          const int other = moved(op, by);
          if (!valid) return;
          ++ops;
          order.append(other, rank);
          if (first < 0) {
            first = other;
          } else if (joined < 0) {
            joined = other;
          }
        });
        if (valid && joined >= 0) order.join(longer_, first, joined);
      }
    };
    const int copies = more() / count;
    for (int rank = 0; rank < shorter_.ranks(); ++rank) {
      const auto repeats = window(rank, at_ns, count);
      if (!repeats) return std::nullopt;
      append(rank, 0, repeats->end, 0);
      for (int copy = 1; copy <= copies; ++copy) append(rank, repeats->begin, repeats->end, copy * count);
      append(rank, repeats->end, slots_[rank].size(), copies * count);
    }
    // If I's with and without their W alternate, W's of the window may belong to I's outside it.
    if (!valid || ops != longer_.ops()) return std::nullopt;
    return order;
  }

  const SearchProblem& shorter_;
  const Order& order_;
  const SearchProblem& longer_;
  Candidate solved_;
  std::vector<std::vector<int32_t>> slots_;  // [rank]
  int64_t last_start_ns_ = 0;
};

}  // namespace

std::optional<Order> repeated(const SearchProblem& shorter, const Order& order, const SearchProblem& longer) {
  return Repeater(shorter, order, longer).best();
}

}  // namespace pipeloom::planner
