#include "planner/search/anneal.h"

#include <algorithm>

#include "core/base/units.h"

namespace pipeloom::planner {

namespace {

// Swaps tried per join. A join costs an evaluation; a swap mostly costs only an estimate.
constexpr uint32_t kSwapsPerJoin = 8;
// Work that a move counts for: estimating one costs about as much as evaluating so many slots.
constexpr int64_t kWorkPerMove = 4;

}  // namespace

Annealer::Annealer(const SearchProblem& problem, uint64_t seed) : candidate_(problem), random_(seed), best_(problem) {}

bool Annealer::start(const Order& order, int64_t heat_ns, int64_t moves) {
  if (!candidate_.reset(order)) return false;
  best_ = order;
  best_ns_ = candidate_.value_ns();
  heat_ns_ = heat_ns;
  moves_ = moves;
  done_ = 0;
  arcs_.clear();
  return true;
}

int64_t Annealer::run(int64_t work, int64_t good_enough_ns, const std::atomic<bool>* cancel) {
  constexpr int64_t kMovesPerLook = 256;
  const bool joins = candidate_.problem().has_pairs() || candidate_.problem().has_short_backwards();
  const int64_t before = done_;
  const int64_t last_work = candidate_.work() + work;
  while (done_ < moves_ && best_ns_ > good_enough_ns &&
         candidate_.work() + (done_ - before) * kWorkPerMove < last_work) {
    if (cancel != nullptr && done_ % kMovesPerLook == 0 && cancel->load(std::memory_order_relaxed)) break;
    ++done_;
    const int slot = critical_slot();
    // If no neighbours on a critical path touch, it is the way of one micro-batch, and nothing is shorter.
    if (slot < 0) {
      done_ = moves_;
      break;
    }
    const bool pair = joins && random_.below(kSwapsPerJoin) == 0;
    if (!(pair ? try_pair(slot) : try_swap(slot))) continue;
    if (candidate_.value_ns() < best_ns_) {
      best_ns_ = candidate_.value_ns();
      best_ = candidate_.order();
    }
    arcs_.clear();
  }
  return done_ - before;
}

// Returns a slot that touches the next one on a critical path, or -1 if there is none. A few random draws mostly find
// one faster than following a path.
int Annealer::critical_slot() {
  constexpr int kDraws = 24;
  if (arcs_.empty()) {
    const auto slots = static_cast<uint32_t>(candidate_.slots());
    for (int draw = 0; draw < kDraws; ++draw) {
      const int slot = candidate_.slot_at(static_cast<int>(random_.below(slots)));
      if (candidate_.critical_arc(slot)) return slot;
    }
    candidate_.critical_arcs(random_.next(), arcs_);
    if (arcs_.empty()) return -1;
  }
  return arcs_[random_.below(static_cast<uint32_t>(arcs_.size()))];
}

// Returns how much worse a move may be. The heat falls to 0 with the moves that are left.
int64_t Annealer::allowed_ns() {
  return random_.allowance_ns(static_cast<int64_t>(static_cast<int128_t>(heat_ns_) * (moves_ - done_) / moves_));
}

bool Annealer::try_swap(int slot) {
  if (!candidate_.can_swap(slot)) return false;
  if (candidate_.swapped_ns(slot) > candidate_.value_ns() + allowed_ns()) return false;
  return candidate_.swap(slot);
}

// Makes a backward whole, or the slot a pair with the next one.
bool Annealer::join(int slot) {
  const SearchProblem& problem = candidate_.problem();
  const Line& line = problem.line_of(slot);
  const int next = candidate_.order().next(slot);
  if (line.pass != Pass::kF && problem.short_backward(line.stage)) {
    const int index = slot - line.first_op;
    const int backward = problem.line(line.pipe, line.stage, Pass::kI).first_op + index;
    const bool whole = line.pass == Pass::kW || random_.below(2) == 0;
    if (whole) return candidate_.join(backward, weight_op(problem, backward));
  }
  return next < problem.ops() && (candidate_.join(slot, next) || candidate_.join(next, slot));
}

bool Annealer::try_pair(int slot) {
  const int64_t most_ns = candidate_.value_ns() + allowed_ns();
  if (!(candidate_.order().partner(slot) >= 0 ? candidate_.part(slot) : join(slot))) return false;
  if (candidate_.value_ns() <= most_ns) return true;
  candidate_.undo();
  return false;
}

}  // namespace pipeloom::planner
