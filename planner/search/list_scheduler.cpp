#include "planner/search/list_scheduler.h"

#include <algorithm>

namespace pipeloom::planner {

namespace {

constexpr int64_t kNever = INT64_MAX;

}  // namespace

std::vector<uint8_t> heavy_ranks(const SearchProblem& problem) {
  // Ranks with at least this share of the most work count as busy as the busiest.
  constexpr int64_t kHeavyPercent = 97;
  int64_t most_work_ns = 0;
  for (int rank = 0; rank < problem.ranks(); ++rank) most_work_ns = std::max(most_work_ns, problem.work_ns(rank));
  std::vector<uint8_t> heavy;
  for (int rank = 0; rank < problem.ranks(); ++rank) {
    heavy.push_back(problem.work_ns(rank) >= most_work_ns / 100 * kHeavyPercent ? 1 : 0);
  }
  if (std::ranges::count(heavy, 1) == problem.ranks()) std::ranges::fill(heavy, 0);
  return heavy;
}

ListScheduler::ListScheduler(const SearchProblem& problem)
    : problem_(problem),
      forward_lines_(problem.ranks()),
      backward_lines_(problem.ranks()),
      lines_(problem.lines().size()),
      ranks_(problem.ranks()),
      wake_ns_((problem.ranks() + kBlock - 1) / kBlock * kBlock),
      block_wake_ns_(wake_ns_.size() / kBlock),
      arrival_ns_(problem.nodes()),
      round_trip_ns_(problem.lines().size(), 0),
      shared_queue_(problem.placement().queues().size(), 0),
      sent_(problem.placement().queues().size()),
      taken_(problem.placement().queues().size()),
      order_(problem.ranks()),
      alone_(problem.lines().size()),
      weights_done_(problem.lines().size(), 0),
      mean_weight_ns_(problem.ranks(), 0),
      heavy_(heavy_ranks(problem)) {
  std::vector<int> users(shared_queue_.size(), 0);
  for (const Line& line : problem.lines()) {
    if (line.in_queue >= 0 && line.count > 0 && ++users[line.in_queue] > 1) shared_queue_[line.in_queue] = 1;
  }
  for (size_t i = 0; i < lines_.size(); ++i) {
    const Line& line = problem.lines()[i];
    lines_[i].count = line.count;
    lines_[i].first_op = line.first_op;
    lines_[i].forward = line.pass == Pass::kF;
    lines_[i].shares_queue = line.in_queue >= 0 && shared_queue_[line.in_queue] != 0;
    lines_[i].take = line.take + std::max<int64_t>(0, -line.give);
    if (line.input >= 0) lines_[i].sending_ns = problem.times()[line.input].ready_ns;
  }
  for (int rank = 0; rank < problem.ranks(); ++rank) {
    std::vector<Chunk> chunks(problem.placement().chunks_of(rank).begin(), problem.placement().chunks_of(rank).end());
    std::ranges::stable_sort(chunks, [](const Chunk& a, const Chunk& b) { return a.stage > b.stage; });
    for (const Chunk& chunk : chunks) {
      forward_lines_[rank].push_back(problem.line_number(chunk.pipe, chunk.stage, Pass::kF));
      backward_lines_[rank].push_back(problem.line_number(chunk.pipe, chunk.stage, Pass::kI));
      if (problem.splits_backward()) mean_weight_ns_[rank] += problem.costs().stage(chunk.stage).weight_ns;
    }
    mean_weight_ns_[rank] /= static_cast<int64_t>(chunks.size());
    order_[rank].reserve(problem.ops_of_rank(rank));
  }
  const auto times = problem.times();
  for (int pipe = 0; pipe < problem.pipes(); ++pipe) {
    int64_t trip_ns = 0;
    for (int stage = problem.stages() - 1; stage >= 0; --stage) {
      const int f = problem.line_number(pipe, stage, Pass::kF);
      const int i = SearchProblem::input_line_of(f);
      trip_ns += times[f].ready_ns;
      round_trip_ns_[f] = trip_ns;
      trip_ns += times[i].ready_ns;
    }
  }
}

void ListScheduler::set_limits() {
  for (int rank = 0; rank < problem_.ranks(); ++rank) {
    const RankRules& rules = this->rules(rank);
    // An I must fit even if no W is left to make room.
    int64_t later = 0;
    for (const int line : backward_lines_[rank]) later = std::max(later, lines_[line].take);
    int chunk = 0;
    for (const int line_number : forward_lines_[rank]) {
      const Line& line = problem_.lines()[line_number];
      if (line.count == 0) continue;
      LineState& state = lines_[line_number];
      const int entry = std::min(chunk++, RankRules::kChunks - 1);
      const int64_t between_ns = std::max<int64_t>(1, problem_.work_ns(rank) / line.count);
      const int64_t trip = rules.in_flight_percent[entry] * round_trip_ns_[line_number] / (100 * between_ns);
      state.limit = static_cast<int32_t>(std::clamp<int64_t>(trip + rules.in_flight_extra[entry], 1, line.count));
      state.reserve = later;
      later += line.take;
    }
  }
}

void ListScheduler::reset(const ListPolicy& policy) {
  policy_ = policy;
  for (RankRules& rules : policy_.rules) rules.pairs = rules.pairs && problem_.has_pairs();
  ops_left_ = problem_.ops();
  std::ranges::fill(ranks_, RankState{});
  std::fill(wake_ns_.begin(), wake_ns_.begin() + problem_.ranks(), 0);
  std::fill(wake_ns_.begin() + problem_.ranks(), wake_ns_.end(), kNever);
  std::ranges::fill(block_wake_ns_, 0);
  std::ranges::fill(taken_, 0);
  for (auto& sent : sent_) sent.clear();
  for (auto& order : order_) order.clear();
  for (auto& alone : alone_) alone.clear();
  std::ranges::fill(weights_done_, 0);
  set_limits();
  for (size_t i = 0; i < lines_.size(); ++i) {
    const Line& line = problem_.lines()[i];
    lines_[i].next = 0;
    lines_[i].arrived = 0;
    if (line.input >= 0 || line.pass == Pass::kW) continue;
    lines_[i].arrived = line.count;
    std::fill_n(arrival_ns_.begin() + line.first_op, line.count, 0);
  }
}

bool ListScheduler::at_head_of_queue(int line) const {
  if (!lines_[line].shares_queue) return true;
  const int queue = problem_.lines()[line].in_queue;
  return taken_[queue] < sent_[queue].size() && sent_[queue][taken_[queue]] == line;
}

bool ListScheduler::has_room(int rank, int line) const {
  return ranks_[rank].held + lines_[line].take + lines_[line].reserve <= problem_.cap(rank);
}

// Returns when the next op of a line can start; kNever if that is not known yet.
int64_t ListScheduler::arrival_ns(int line) const {
  const LineState& state = lines_[line];
  if (state.next >= state.arrived || !at_head_of_queue(line)) return kNever;
  return arrival_ns_[state.first_op + state.next];
}

// Number of a chunk's micro-batches whose F has run and whose I has not.
int ListScheduler::alive(int forward_line) const {
  return lines_[forward_line].next - lines_[SearchProblem::input_line_of(forward_line)].next;
}

// Number of a chunk's micro-batches whose I has run and whose W has not.
int ListScheduler::unrun_weights(int input_line) const {
  return lines_[input_line].next - lines_[SearchProblem::weight_line_of(input_line)].next;
}

int ListScheduler::choose_chunk(const std::vector<int32_t>& lines, int lead, int rank, int64_t now_ns,
                                int64_t& next_arrival_ns, bool& blocked) const {
  int best = -1;
  int best_age = 0;
  int age_of_stage = -lead;
  for (const int line : lines) {
    const LineState& state = lines_[line];
    age_of_stage += lead;
    if (state.next >= state.count) continue;
    if (state.forward && alive(line) >= state.limit) continue;
    if (!state.forward && state.next >= lines_[SearchProblem::forward_line_of(line)].next) continue;
    const int64_t at_ns = arrival_ns(line);
    if (state.forward && !has_room(rank, line)) {
      blocked = blocked || at_ns <= now_ns;
      continue;
    }
    if (at_ns > now_ns) {
      next_arrival_ns = std::min(next_arrival_ns, at_ns == kNever ? now_ns + state.sending_ns : at_ns);
      continue;
    }
    const int age = state.next + age_of_stage;
    if (best >= 0 && age >= best_age) continue;
    best = line;
    best_age = age;
  }
  return best;
}

// True if an F is still to come that waits only for its input, or for memory that a W gives back.
bool ListScheduler::forward_left(int rank) const {
  return std::ranges::any_of(forward_lines_[rank], [&](int line) {
    const LineState& state = lines_[line];
    return state.next < state.count && alive(line) < state.limit && (has_room(rank, line) || pending_weight(rank) >= 0);
  });
}

// True if `forward` would delay an F of a later stage by more than the rules allow.
bool ListScheduler::delays_forward(int rank, int forward, int64_t now_ns) const {
  const int64_t duration_ns = problem_.times()[forward].duration_ns;
  for (const int line : forward_lines_[rank]) {
    if (line == forward) return false;
    const LineState& state = lines_[line];
    if (state.next >= rules(rank).hold_forwards || state.next >= state.count) continue;
    const int64_t at_ns = arrival_ns(line);
    if (at_ns <= now_ns || at_ns == kNever) continue;
    if ((now_ns + duration_ns - at_ns) * 100 > duration_ns * rules(rank).hold_forward_percent) return true;
  }
  return false;
}

int ListScheduler::pending_weight(int rank) const {
  if (!problem_.splits_backward()) return -1;
  int best = -1;
  int most = 0;
  for (const int backward : backward_lines_[rank]) {
    const int pending = unrun_weights(backward);
    if (pending > most) {
      most = pending;
      best = SearchProblem::weight_line_of(backward);
    }
  }
  return best;
}

// True if the next op of a line is among the last F's or first I's, which run in no pair.
bool ListScheduler::runs_alone(int rank, int line) const {
  const LineState& state = lines_[line];
  if (state.forward) return state.count - state.next <= rules(rank).alone_forwards;
  return state.next < rules(rank).alone_backwards;
}

bool ListScheduler::makes_pair(int rank, int forward, int backward) const {
  const bool itself =
      SearchProblem::input_line_of(forward) == backward && lines_[forward].next == lines_[backward].next;
  return !itself && !runs_alone(rank, forward) && !runs_alone(rank, backward);
}

// If only one of an F and an I could start, lets it wait if the other comes soon.
void ListScheduler::wait_for_partner(int rank, int64_t now_ns, int64_t next_forward_ns, int64_t next_backward_ns,
                                     int& forward, int& backward) const {
  const auto soon = [&](int line, int64_t other_ns) {
    return other_ns != kNever &&
           (other_ns - now_ns) * 100 <= problem_.times()[line].duration_ns * rules(rank).wait_percent;
  };
  if (forward >= 0 && backward < 0 && ranks_[rank].started_backward && !runs_alone(rank, forward) &&
      soon(forward, next_backward_ns)) {
    forward = -1;
  }
  if (backward >= 0 && forward < 0 && !runs_alone(rank, backward) && soon(backward, next_forward_ns)) backward = -1;
}

// Returns a choice of the I, or of its B if that is shorter and allowed.
ListScheduler::Choice ListScheduler::with_backward(int rank, int backward) const {
  const LineState& state = lines_[backward];
  const bool whole = problem_.short_backward(problem_.lines()[backward].stage) &&
                     state.next >= rules(rank).split_first && state.count - state.next > rules(rank).split_last;
  return {backward, 0, whole ? SearchProblem::weight_line_of(backward) : -1};
}

ListScheduler::Choice ListScheduler::choose(int rank, int64_t now_ns, bool relaxed) const {
  const RankState& state = ranks_[rank];
  const RankRules& rules = this->rules(rank);
  int64_t next_backward_ns = kNever;
  int64_t next_forward_ns = kNever;
  bool blocked = false;
  int backward = choose_chunk(backward_lines_[rank], rules.backward_lead, rank, now_ns, next_backward_ns, blocked);
  int forward = choose_chunk(forward_lines_[rank], rules.forward_lead, rank, now_ns, next_forward_ns, blocked);
  const int64_t next_arrival_ns = std::min(next_backward_ns, next_forward_ns);
  if (rules.pairs) {
    if (forward >= 0 && backward >= 0 && makes_pair(rank, forward, backward)) return {forward, 0, backward};
    if (!relaxed) wait_for_partner(rank, now_ns, next_forward_ns, next_backward_ns, forward, backward);
  }
  if (forward >= 0 && backward < 0 && !relaxed && next_backward_ns != kNever) {
    const int64_t duration_ns = problem_.times()[forward].duration_ns;
    const int64_t delay_ns = now_ns + duration_ns - next_backward_ns;
    if (delay_ns * 100 > duration_ns * rules.hold_percent) forward = -1;
  }
  if (forward >= 0 && !relaxed && rules.hold_forwards > 0 && delays_forward(rank, forward, now_ns)) forward = -1;
  const int weight = pending_weight(rank);
  const bool in_turn = !relaxed && rules.turn >= RankRules::Turn::kWaitForBackward && state.started_backward;
  const bool must_wait_for_backward = in_turn && state.last_was_forward;
  const bool must_wait_for_forward =
      in_turn && rules.turn == RankRules::Turn::kStrict && !state.last_was_forward && forward < 0 && forward_left(rank);
  if (weight >= 0 && backward < 0 && unrun_weights(SearchProblem::input_line_before(weight)) > rules.pending_limit) {
    return {weight};
  }
  if (backward >= 0 && !must_wait_for_forward) {
    const bool forward_first =
        rules.turn == RankRules::Turn::kForwardFirst || (rules.pairs && forward >= 0 && runs_alone(rank, forward)) ||
        (rules.turn != RankRules::Turn::kBackwardFirst && !state.last_was_forward && state.started_backward);
    if (forward >= 0 && forward_first) return {forward};
    const Choice choice = with_backward(rank, backward);
    const bool needs_room = choice.joined < 0 && weight >= 0 && !has_room(rank, backward);
    return needs_room ? Choice{weight} : choice;
  }
  if (forward >= 0 && !must_wait_for_backward) return {forward};
  if (weight >= 0) {
    const bool gap =
        next_arrival_ns == kNever || (next_arrival_ns - now_ns) * 100 >= mean_weight_ns_[rank] * rules.gap_percent;
    if (gap || blocked || relaxed) return {weight};
  }
  // Arrivals wake the rank. An input that nobody has sent yet wakes the rank when it is sent.
  int64_t wake_ns = kNever;
  for (const auto* lines : {&forward_lines_[rank], &backward_lines_[rank]}) {
    for (const int line : *lines) {
      const int64_t at_ns = arrival_ns(line);
      if (at_ns > now_ns) wake_ns = std::min(wake_ns, at_ns);
    }
  }
  return {-1, wake_ns};
}

// Takes the next op of a line. `alone`: an I whose W comes later, or that W.
int ListScheduler::take_op(int rank, int line_number, bool alone) {
  const Line& line = problem_.lines()[line_number];
  LineState& state = lines_[line_number];
  RankState& at = ranks_[rank];
  int index = state.next++;
  if (line.pass == Pass::kI && alone) alone_[line_number].push_back(index);
  if (line.pass == Pass::kW && alone) {
    const int input_line = SearchProblem::input_line_before(line_number);
    index = alone_[input_line][weights_done_[input_line]++];
  }
  at.held += line.take - line.give;
  ++at.done;
  --ops_left_;
  if (line.pass != Pass::kW) at.last_was_forward = line.pass == Pass::kF;
  at.started_backward = at.started_backward || line.pass == Pass::kI;
  if (line.in_queue >= 0 && shared_queue_[line.in_queue] != 0) ++taken_[line.in_queue];
  return line.first_op + index;
}

void ListScheduler::send(int rank, int line_number, int op, const OpTimes& times, int64_t now_ns) {
  const Line& line = problem_.lines()[line_number];
  // The last stage hands over to itself.
  if (line.output < 0) return;
  const int next_op = problem_.output_of(op);
  const Line& next = problem_.lines()[line.output];
  arrival_ns_[next_op] = now_ns + times.ready_ns - problem_.times()[line.output].need_ns;
  ++lines_[line.output].arrived;
  if (line.out_queue >= 0 && shared_queue_[line.out_queue] != 0) sent_[line.out_queue].push_back(line.output);
  if (next.rank != rank) wake(next.rank, std::max(arrival_ns_[next_op], ranks_[next.rank].free_ns));
}

void ListScheduler::start(int rank, const Choice& choice, int64_t now_ns) {
  const bool pair = choice.joined >= 0 && lines_[choice.line].forward;
  const bool whole = choice.joined >= 0 && !pair;
  size_t number = static_cast<size_t>(choice.line);
  if (pair) number = static_cast<size_t>(problem_.pair_times(choice.line, choice.joined));
  if (whole) number = static_cast<size_t>(problem_.whole_times(choice.line));
  const OpTimes* times = &problem_.times()[number];
  RankState& at = ranks_[rank];
  if (at.first_ns < 0) at.first_ns = now_ns;
  at.free_ns = now_ns + times->duration_ns;
  set_wake(rank, at.free_ns);
  const int op = take_op(rank, choice.line, !whole);
  int joined = choice.joined >= 0 ? take_op(rank, choice.joined, pair && !problem_.pairs_hold_weight()) : -1;
  if (whole) joined = weight_op(problem_, op);
  order_[rank].push_back({op, joined});
  send(rank, choice.line, op, times[0], now_ns);
  if (!pair) return;
  send(rank, choice.joined, joined, times[1], now_ns);
  if (problem_.pairs_hold_weight()) take_op(rank, SearchProblem::weight_line_of(choice.joined), false);
}

// Returns the rank that wakes earliest; ties go to the lower rank.
int ListScheduler::first_awake() const {
  const auto block = std::ranges::min_element(block_wake_ns_) - block_wake_ns_.begin();
  const auto begin = wake_ns_.begin() + block * kBlock;
  return static_cast<int>(std::find(begin, begin + kBlock, block_wake_ns_[block]) - wake_ns_.begin());
}

// Called if every rank waits. The first rank with a slot that the policy did not want starts it now. Returns false if
// there is none.
bool ListScheduler::wake_someone(int64_t now_ns) {
  for (int rank = 0; rank < problem_.ranks(); ++rank) {
    if (ranks_[rank].done == problem_.ops_of_rank(rank)) continue;
    const int64_t at_ns = std::max(now_ns, ranks_[rank].free_ns);
    const Choice choice = choose(rank, at_ns, true);
    if (choice.line < 0) continue;
    start(rank, choice, at_ns);
    return true;
  }
  return false;
}

std::optional<int64_t> ListScheduler::run(const ListPolicy& policy) {
  reset(policy);
  int64_t now_ns = 0;
  while (ops_left_ > 0) {
    const int rank = first_awake();
    const int64_t wake_ns = wake_ns_[rank];
    if (wake_ns == kNever) {
      if (!wake_someone(now_ns)) return std::nullopt;
      continue;
    }
    now_ns = std::max(now_ns, wake_ns);
    const Choice choice = choose(rank, wake_ns, false);
    if (choice.line < 0) {
      set_wake(rank, choice.wake_ns);
      continue;
    }
    start(rank, choice, wake_ns);
  }
  int64_t value_ns = 0;
  for (const RankState& rank : ranks_) {
    const bool span = problem_.objective() == Objective::kSpan;
    value_ns = std::max(value_ns, rank.free_ns - (span ? std::max<int64_t>(rank.first_ns, 0) : 0));
  }
  return value_ns;
}

Order ListScheduler::order() const {
  Order order(problem_);
  for (int rank = 0; rank < problem_.ranks(); ++rank) {
    for (const Placed& placed : order_[rank]) {
      order.append(placed.op, rank);
      if (placed.joined < 0) continue;
      order.append(placed.joined, rank);
      if (problem_.line_of(placed.joined).pass == Pass::kI && problem_.pairs_hold_weight()) {
        order.append(weight_op(problem_, placed.joined), rank);
      }
      order.join(problem_, placed.op, placed.joined);
    }
  }
  return order;
}

}  // namespace pipeloom::planner
