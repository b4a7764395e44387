#include "planner/search/candidate.h"

#include <algorithm>
#include <bit>

#include "core/base/check.h"

namespace pipeloom::planner {

namespace {

// A time before every start, and far enough from INT64_MIN that times can be added.
constexpr int64_t kLongAgo = INT64_MIN / 4;

}  // namespace

Candidate::Candidate(const SearchProblem& problem)
    : problem_(&problem), order_(problem), saved_(problem), times_(problem.times().data()) {
  const int ops = problem.ops();
  nodes_.resize(problem.nodes());
  for (int op = 0; op < ops; ++op) {
    nodes_[op].input = problem.input_of(op);
    nodes_[op].output = problem.output_of(op);
  }
  for (int node = ops; node < problem.nodes(); ++node) nodes_[node].tail_ns = 0;
  nodes_[problem.nothing()].out_ns = kLongAgo;
  nodes_[problem.nothing()].in_tail_ns = kLongAgo;
  take_.resize(ops);
  give_.resize(ops);
  sorted_.resize(ops);
  moved_.resize(ops);
  marked_.assign(problem.nodes(), 0);
  stale_.assign(static_cast<size_t>(ops + 63) / 64, 0);
}

bool Candidate::reset(const Order& order) {
  order_ = order;
  return rebuild();
}

bool Candidate::rebuild() {
  pairs_ = 0;
  for (int rank = 0; rank < problem_->ranks(); ++rank) {
    for (int slot = order_.next(problem_->begin_of(rank)); slot < problem_->ops(); slot = order_.next(slot)) {
      set_slot(slot);
    }
  }
  measure_memory();
  if (!sort_topologically()) return false;
  sweep_heads();
  sort_by_start();
  sweep_tails();
  return true;
}

void Candidate::set_slot(int slot) {
  const Line& line = problem_->line_of(slot);
  take_[slot] = line.take;
  give_[slot] = line.give;
  nodes_[slot].times = problem_->line_number_of(slot);
  const int partner = order_.partner(slot);
  if (partner < 0) return;
  ++pairs_;
  nodes_[slot].times = line.pass == Pass::kI
                           ? problem_->whole_times(problem_->line_number_of(slot))
                           : problem_->pair_times(problem_->line_number_of(slot), problem_->line_number_of(partner));
  nodes_[partner].times = SearchProblem::partner_times(nodes_[slot].times);
  give_[slot] = order_.given_by(*problem_, slot);
}

void Candidate::measure_memory() {
  for (int rank = 0; rank < problem_->ranks(); ++rank) {
    int64_t held = 0;
    for (int slot = order_.next(problem_->begin_of(rank)); slot < problem_->ops(); slot = order_.next(slot)) {
      nodes_[slot].held = held;
      held += take_[slot] - give_[slot];
    }
  }
}

bool Candidate::memory_fits() const {
  for (int i = 0; i < slots_; ++i) {
    const int slot = sorted_[i];
    if (nodes_[slot].held + take_[slot] > problem_->cap(problem_->line_of(slot).rank)) return false;
  }
  return true;
}

// Lets each rank in turn run as far as its inputs allow. Returns false if some rank can't finish.
bool Candidate::sort_topologically() {
  const int ranks = problem_->ranks();
  const uint32_t done = ++mark_;
  std::vector<int32_t> at(ranks);
  slots_ = 0;
  int left = ranks;
  for (int rank = 0; rank < ranks; ++rank) at[rank] = order_.next(problem_->begin_of(rank));
  marked_[problem_->nothing()] = done;
  for (bool moved = true; moved;) {
    moved = false;
    left = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      while (at[rank] < problem_->ops()) {
        const int slot = at[rank];
        const int partner = order_.partner(slot);
        if (marked_[nodes_[slot].input] != done || (partner >= 0 && marked_[nodes_[partner].input] != done)) break;
        marked_[slot] = done;
        if (partner >= 0) marked_[partner] = done;
        nodes_[slot].place = slots_;
        sorted_[slots_++] = slot;
        at[rank] = order_.next(slot);
        moved = true;
      }
      left += at[rank] < problem_->ops() ? 1 : 0;
    }
  }
  return left == 0;
}

// Sorts slots by start, so that a swap moves few of them.
void Candidate::sort_by_start() {
  std::stable_sort(sorted_.begin(), sorted_.begin() + slots_,
                   [&](int32_t a, int32_t b) { return start_ns(a) < start_ns(b); });
  // With need and ready offsets a slot may start before the one that it waits for. Then the topological order is kept.
  for (int i = 0; i < slots_; ++i) nodes_[sorted_[i]].place = i;
  swaps_since_sort_ = 0;
  for (int i = 0; i < slots_; ++i) {
    const int slot = sorted_[i];
    const int partner = order_.partner(slot);
    const auto late = [&](int node) { return node < problem_->ops() && nodes_[order_.slot_of(node)].place >= i; };
    if (late(nodes_[slot].input) || late(order_.previous(slot)) || (partner >= 0 && late(nodes_[partner].input))) {
      PIPELOOM_THROW_UNLESS(sort_topologically());
      return;
    }
  }
}

template <bool kPairs>
bool Candidate::set_head(int slot) {
  const OpTimes& times = times_[nodes_[slot].times];
  int64_t start = std::max(nodes_[order_.previous(slot)].end_ns, nodes_[nodes_[slot].input].out_ns - times.need_ns);
  if constexpr (kPairs) {
    if (const int partner = order_.partner(slot); partner >= 0) {
      start = std::max(start, input_ns(partner));
      nodes_[partner].out_ns = start + times_[nodes_[partner].times].ready_ns;
    }
  }
  const int64_t before_ns = nodes_[slot].end_ns;
  nodes_[slot].end_ns = start + times.duration_ns;
  nodes_[slot].out_ns = start + times.ready_ns;
  return nodes_[slot].end_ns != before_ns;
}

template <bool kPairs>
bool Candidate::set_tail(int slot) {
  const OpTimes& times = times_[nodes_[slot].times];
  int64_t tail = std::max(times.duration_ns + nodes_[order_.next(slot)].tail_ns,
                          times.ready_ns + nodes_[nodes_[slot].output].in_tail_ns);
  if constexpr (kPairs) {
    if (const int partner = order_.partner(slot); partner >= 0) {
      tail = std::max(tail, output_tail_ns(partner));
      nodes_[partner].in_tail_ns = tail - times_[nodes_[partner].times].need_ns;
    }
  }
  const int64_t before_ns = nodes_[slot].tail_ns;
  nodes_[slot].tail_ns = tail;
  nodes_[slot].in_tail_ns = tail - times.need_ns;
  return tail != before_ns;
}

void Candidate::set_stale(int op) {
  if (op >= problem_->ops()) return;
  const int place = nodes_[order_.slot_of(op)].place;
  stale_[place / 64] |= uint64_t{1} << place % 64;
}

// Updates stale slots along the topological order. A slot whose time changes makes those that wait for it stale.
template <bool kPairs>
void Candidate::update_heads(int first) {
  const size_t words = static_cast<size_t>(slots_ + 63) / 64;
  for (size_t word = static_cast<size_t>(first) / 64; word < words; ++word) {
    while (stale_[word] != 0) {
      const int bit = std::countr_zero(stale_[word]);
      stale_[word] &= stale_[word] - 1;
      const int slot = sorted_[word * 64 + bit];
      ++work_;
      if (!set_head<kPairs>(slot)) continue;
      set_stale(order_.next(slot));
      set_stale(nodes_[slot].output);
      if (kPairs && order_.partner(slot) >= 0) set_stale(nodes_[order_.partner(slot)].output);
    }
  }
}

template <bool kPairs>
void Candidate::update_tails(int last) {
  for (int64_t word = last / 64; word >= 0; --word) {
    while (stale_[word] != 0) {
      const int bit = 63 - std::countl_zero(stale_[word]);
      stale_[word] &= ~(uint64_t{1} << bit);
      const int slot = sorted_[word * 64 + bit];
      ++work_;
      if (!set_tail<kPairs>(slot)) continue;
      set_stale(order_.previous(slot));
      set_stale(nodes_[slot].input);
      if (kPairs && order_.partner(slot) >= 0) set_stale(nodes_[order_.partner(slot)].input);
    }
  }
}

template <bool kPairs>
void Candidate::update_after_swap(int slot, int later, int first, int last) {
  set_stale(later);
  set_stale(slot);
  set_stale(order_.next(slot));
  update_heads<kPairs>(first);
  measure_value();
  if (problem_->objective() == Objective::kSpan) {
    sweep_tails();  // a rank's start, and with it every tail, may have changed
    return;
  }
  set_stale(slot);
  set_stale(later);
  set_stale(order_.previous(later));
  update_tails<kPairs>(last);
}

// Prefetches the nodes of the slots to come: those of a large order are spread over megabytes.
template <bool kPairs>
void Candidate::sweep_all_heads() {
  for (int i = 0; i < slots_; ++i) {
    __builtin_prefetch(&nodes_[sorted_[std::min(i + kPrefetchDistance, slots_ - 1)]]);
    set_head<kPairs>(sorted_[i]);
  }
}

template <bool kPairs>
void Candidate::sweep_all_tails() {
  for (int i = slots_ - 1; i >= 0; --i) {
    __builtin_prefetch(&nodes_[sorted_[std::max(i - kPrefetchDistance, 0)]]);
    set_tail<kPairs>(sorted_[i]);
  }
}

void Candidate::sweep_heads() {
  work_ += slots_;
  pairs_ > 0 ? sweep_all_heads<true>() : sweep_all_heads<false>();
  measure_value();
}

void Candidate::sweep_tails() {
  work_ += slots_;
  pairs_ > 0 ? sweep_all_tails<true>() : sweep_all_tails<false>();
}

void Candidate::measure_value() {
  value_ns_ = 0;
  for (int rank = 0; rank < problem_->ranks(); ++rank) {
    const int end = problem_->end_of(rank);
    const int first = order_.next(problem_->begin_of(rank));
    if (first == end) continue;
    if (problem_->objective() == Objective::kSpan) nodes_[end].tail_ns = -start_ns(first);
    value_ns_ = std::max(value_ns_, nodes_[order_.previous(end)].end_ns + nodes_[end].tail_ns);
  }
}

void Candidate::evaluate() {
  sweep_heads();
  sweep_tails();
}

bool Candidate::can_swap(int slot) const {
  const int later = order_.next(slot);
  if (later >= problem_->ops()) return false;
  const int64_t cap = problem_->cap(problem_->line_of(slot).rank);
  const int64_t with_later = nodes_[slot].held + take_[later];
  if (with_later > cap || with_later - give_[later] + take_[slot] > cap) return false;
  if (problem_->fixed_order(slot, later)) return false;
  if (pairs_ == 0) return true;
  const int a = order_.partner(slot);
  const int b = order_.partner(later);
  return !(a >= 0 && problem_->fixed_order(a, later)) && !(b >= 0 && problem_->fixed_order(slot, b)) &&
         !(a >= 0 && b >= 0 && problem_->fixed_order(a, b));
}

int64_t Candidate::swapped_ns(int slot) const {
  const int later = order_.next(slot);
  const auto head = [&](int x, int64_t lane_ns) {
    const int64_t start = std::max(lane_ns, input_ns(x));
    const int partner = order_.partner(x);
    return partner < 0 ? start : std::max(start, input_ns(partner));
  };
  const auto tail = [&](int x, int64_t lane_tail_ns) {
    const int64_t longest = std::max(duration(x) + lane_tail_ns, output_tail_ns(x));
    const int partner = order_.partner(x);
    return partner < 0 ? longest : std::max(longest, output_tail_ns(partner));
  };
  const int64_t later_start = head(later, nodes_[order_.previous(slot)].end_ns);
  const int64_t start = head(slot, later_start + duration(later));
  const int64_t slot_tail = tail(slot, nodes_[order_.next(later)].tail_ns);
  const int64_t later_tail = tail(later, slot_tail);
  return std::max(later_start + later_tail, start + slot_tail);
}

// Restores the topological order after `later` was put before `slot` on its rank: slots between the two that `later`
// waits for move before `slot`. Returns false and changes nothing if `later` waits for `slot`. (Pearce and Kelly, A
// Dynamic Topological Sort Algorithm for Directed Acyclic Graphs, JEA 2006, section 3.)
bool Candidate::move_before(int slot, int later) {
  const int first = nodes_[slot].place;
  const int last = nodes_[later].place;
  const uint32_t waited_for = ++mark_;
  const auto marked = [&](int node) { return marked_[order_.slot_of(node)] == waited_for; };
  const auto is_waited_for = [&](int x) {
    if (x == later) return true;
    const int next = order_.next(x);
    if (next < problem_->ops() && marked_[next] == waited_for) return true;
    if (nodes_[x].output < problem_->ops() && marked(nodes_[x].output)) return true;
    const int partner = order_.partner(x);
    return partner >= 0 && nodes_[partner].output < problem_->ops() && marked(nodes_[partner].output);
  };
  int kept = last + 1;
  for (int i = last; i >= first; --i) {
    const int x = sorted_[i];
    if (!is_waited_for(x)) continue;
    if (x == slot) return false;
    marked_[x] = waited_for;
    moved_[--kept] = x;
  }
  int behind = last + 1;
  for (int i = last; i >= first; --i) {
    const int x = sorted_[i];
    if (marked_[x] == waited_for) continue;
    sorted_[--behind] = x;
    nodes_[x].place = behind;
  }
  for (int i = last; i >= kept; --i) {
    sorted_[--behind] = moved_[i];
    nodes_[moved_[i]].place = behind;
  }
  return true;
}

bool Candidate::swap(int slot) {
  const int later = order_.next(slot);
  const int first = nodes_[slot].place;
  const int last = nodes_[later].place;
  order_.swap_with_next(slot);
  if (!move_before(slot, later)) {
    order_.swap_with_next(later);
    return false;
  }
  nodes_[later].held = nodes_[slot].held;
  nodes_[slot].held = nodes_[later].held + take_[later] - give_[later];
  pairs_ > 0 ? update_after_swap<true>(slot, later, first, last) : update_after_swap<false>(slot, later, first, last);
  // Sorting this often keeps the windows of swaps short and costs little beside the sweeps.
  constexpr int kSwapsPerSort = 2000;
  if (++swaps_since_sort_ >= kSwapsPerSort) sort_by_start();
  return true;
}

bool Candidate::can_join(int slot, int joining) const {
  if (order_.partner(slot) >= 0 || order_.partner(joining) >= 0) return false;
  const Line& a = problem_->line_of(slot);
  const Line& b = problem_->line_of(joining);
  const bool one_stage = a.pipe == b.pipe && a.stage == b.stage;
  const bool one_micro_batch = one_stage && slot - a.first_op == joining - b.first_op;
  if (a.pass == Pass::kI && b.pass == Pass::kW) return one_micro_batch && problem_->short_backward(a.stage);
  return problem_->has_pairs() && a.pass == Pass::kF && b.pass == Pass::kI && !one_micro_batch;
}

bool Candidate::keep_if_valid() {
  if (rebuild() && memory_fits()) return true;
  undo();
  return false;
}

bool Candidate::join(int slot, int joining) {
  if (!can_join(slot, joining)) return false;
  const bool pair = problem_->line_of(slot).pass == Pass::kF;
  if (pair && order_.next(joining) != slot && order_.next(slot) != joining) return false;
  saved_ = order_;
  order_.join(*problem_, slot, joining);
  return keep_if_valid();
}

bool Candidate::part(int slot) {
  if (order_.partner(slot) < 0) return false;
  saved_ = order_;
  order_.part(*problem_, slot);
  return keep_if_valid();
}

void Candidate::undo() {
  order_ = saved_;
  PIPELOOM_THROW_UNLESS(rebuild());
}

void Candidate::critical_arcs(uint64_t choice, std::vector<int32_t>& arcs) const {
  arcs.clear();
  int node = -1;
  const int ranks = problem_->ranks();
  for (int i = 0; i < ranks; ++i) {
    const int rank = static_cast<int>((static_cast<uint64_t>(i) + choice) % static_cast<uint64_t>(ranks));
    const int last = order_.previous(problem_->end_of(rank));
    if (last < problem_->ops() && nodes_[last].end_ns + nodes_[problem_->end_of(rank)].tail_ns == value_ns_)
      node = last;
  }
  while (node >= 0 && node < problem_->ops()) {
    const int64_t start = start_ns(node);
    const int before = order_.previous(node);
    const int partner = order_.partner(node);
    int by_input = problem_->nothing();
    if (input_ns(node) == start) by_input = nodes_[node].input;
    if (partner >= 0 && input_ns(partner) == start) by_input = nodes_[partner].input;
    const bool by_lane = nodes_[before].end_ns == start && before < problem_->ops();
    if (by_lane) arcs.push_back(before);
    const bool has_input = by_input < problem_->ops();
    choice = choice >> 1 | choice << 63;
    if (by_lane && (!has_input || (choice & 1) != 0)) {
      node = before;
    } else {
      node = has_input ? order_.slot_of(by_input) : -1;
    }
  }
}

}  // namespace pipeloom::planner
