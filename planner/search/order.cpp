#include "planner/search/order.h"

#include <fmt/format.h>

#include <algorithm>

namespace pipeloom::planner {

Order::Order(const SearchProblem& problem) : end_(problem.end_of(0)), links_(problem.nodes()) {
  for (int op = 0; op < problem.ops(); ++op) links_[op].slot = op;
  for (int rank = 0; rank < problem.ranks(); ++rank) {
    links_[problem.begin_of(rank)].next = problem.end_of(rank);
    links_[problem.end_of(rank)].previous = problem.begin_of(rank);
  }
}

void Order::insert_before(int op, int later) {
  const int32_t earlier = links_[later].previous;
  links_[op].previous = earlier;
  links_[op].next = later;
  links_[earlier].next = op;
  links_[later].previous = op;
}

void Order::remove(int op) {
  links_[links_[op].previous].next = links_[op].next;
  links_[links_[op].next].previous = links_[op].previous;
  links_[op].next = -1;
  links_[op].previous = -1;
}

void Order::swap_with_next(int op) {
  const int32_t later = links_[op].next;
  const int32_t before = links_[op].previous;
  const int32_t after = links_[later].next;
  links_[before].next = later;
  links_[later].previous = before;
  links_[later].next = op;
  links_[op].previous = later;
  links_[op].next = after;
  links_[after].previous = op;
}

int weight_op(const SearchProblem& problem, int backward) {
  const Line& line = problem.line_of(backward);
  return problem.line(line.pipe, line.stage, Pass::kW).first_op + backward - line.first_op;
}

void Order::join(const SearchProblem& problem, int slot, int joining) {
  remove(joining);
  if (problem.pairs_hold_weight() && problem.line_of(joining).pass == Pass::kI) remove(weight_op(problem, joining));
  links_[slot].partner = joining;
  links_[joining].partner = slot;
  links_[joining].slot = slot;
}

void Order::part(const SearchProblem& problem, int slot) {
  const int joined = links_[slot].partner;
  const int after = links_[slot].next;
  links_[slot].partner = -1;
  links_[joined].partner = -1;
  links_[joined].slot = joined;
  insert_before(joined, after);
  if (problem.pairs_hold_weight() && problem.line_of(joined).pass == Pass::kI) {
    insert_before(weight_op(problem, joined), after);
  }
}

int64_t Order::given_by(const SearchProblem& problem, int slot) const {
  const int joined = links_[slot].partner;
  if (joined < 0) return problem.line_of(slot).give;
  const bool keeps_weight = problem.line_of(slot).pass == Pass::kF && !problem.pairs_hold_weight();
  return keeps_weight ? problem.line_of(joined).give : problem.activations()[problem.line_of(joined).stage].total;
}

namespace {

// Gives each pass of a schedule its op: the k-th F (I, W) of a stage is its line's k-th op.
class Importer {
 public:
  Importer(const SearchProblem& problem, const Schedule& schedule)
      : problem_(problem),
        schedule_(schedule),
        order_(problem),
        taken_(problem.lines().size(), 0),
        waiting_(problem.lines().size()) {}

  Order run() {
    for (int rank = 0; rank < problem_.ranks(); ++rank) {
      for (const Slot& slot : schedule_.slots_of(rank)) add(slot, rank);
    }
    return std::move(order_);
  }

 private:
  int next_op(Pass pass, int stage, int micro_batch) {
    const int number = problem_.line_number(schedule_.pipe_of(micro_batch), stage, pass);
    return problem_.lines()[number].first_op + taken_[number]++;
  }

  // W's run in the order of the I's that run apart from their W.
  void add_weight(int stage, int micro_batch, int rank) {
    if (!problem_.splits_backward()) return;
    const int number = problem_.line_number(schedule_.pipe_of(micro_batch), stage, Pass::kI);
    order_.append(weight_op(problem_, waiting_[number][taken_[SearchProblem::weight_line_of(number)]++]), rank);
  }

  void add_pair(const Slot& slot, int forward, int rank) {
    const int backward = next_op(Pass::kI, slot.backward_stage, slot.backward_micro_batch);
    order_.append(backward, rank);
    if (problem_.pairs_hold_weight()) {
      order_.append(weight_op(problem_, backward), rank);
    } else {
      waiting_[problem_.line_number_of(backward)].push_back(backward);
    }
    order_.join(problem_, forward, backward);
  }

  void add(const Slot& slot, int rank) {
    int forward = -1;
    if (slot.has_forward()) {
      forward = next_op(Pass::kF, slot.stage, slot.micro_batch);
      order_.append(forward, rank);
    }
    if (slot.is_pair() && problem_.has_pairs() && slot.kind == problem_.pair_kind()) {
      add_pair(slot, forward, rank);
      return;
    }
    const int stage = slot.backward_pass_stage();
    const int micro_batch = slot.backward_pass_micro_batch();
    if (slot.kind == SlotKind::kB && problem_.short_backward(stage)) {
      const int backward = next_op(Pass::kI, stage, micro_batch);
      order_.append(backward, rank);
      order_.append(weight_op(problem_, backward), rank);
      order_.join(problem_, backward, weight_op(problem_, backward));
      return;
    }
    if (slot.has_input_backward()) {
      const int backward = next_op(Pass::kI, stage, micro_batch);
      waiting_[problem_.line_number_of(backward)].push_back(backward);
      order_.append(backward, rank);
    }
    if (slot.has_weight_backward()) add_weight(stage, micro_batch, rank);
  }

  const SearchProblem& problem_;
  const Schedule& schedule_;
  Order order_;
  std::vector<int> taken_;                 // [line]
  std::vector<std::vector<int>> waiting_;  // [line of I] I's without their W, in their order
};

}  // namespace

Result<Order> order_of(const SearchProblem& problem, const Schedule& schedule) {
  std::vector<int> of_pipe(problem.pipes(), 0);
  if (!(schedule.placement() == problem.placement())) {
    return invalid("a schedule of another placement can't start the search");
  }
  for (const uint16_t pipe : schedule.pipe_of_micro_batch()) ++of_pipe[pipe];
  for (int pipe = 0; pipe < problem.pipes(); ++pipe) {
    if (of_pipe[pipe] != problem.micro_batches_of(pipe)) {
      return invalid(fmt::format("pipe {} has {} micro-batches in the schedule and {} in the search", pipe,
                                 of_pipe[pipe], problem.micro_batches_of(pipe)));
    }
  }
  return Importer(problem, schedule).run();
}

Result<Schedule> schedule_of(const SearchProblem& problem, const Order& order) {
  FlatOrders orders(problem.ops());
  std::vector<Slot> slots;
  const auto micro_batch = [&](const Line& line, int op) { return problem.micro_batch(line.pipe, op - line.first_op); };
  for (int rank = 0; rank < problem.ranks(); ++rank) {
    slots.clear();
    for (int op = order.next(problem.begin_of(rank)); op != problem.end_of(rank); op = order.next(op)) {
      const Line& line = problem.line_of(op);
      if (const int joined = order.partner(op); joined >= 0) {
        const Line& other = problem.line_of(joined);
        if (line.pass == Pass::kI) {
          slots.push_back(Slot::backward(line.stage, micro_batch(line, op)));
          continue;
        }
        slots.push_back(Slot::pair(line.stage, micro_batch(line, op), other.stage, micro_batch(other, joined),
                                   problem.pair_kind()));
        continue;
      }
      const SlotKind backward = problem.splits_backward() ? SlotKind::kI : SlotKind::kB;
      const SlotKind kinds[] = {SlotKind::kF, backward, SlotKind::kW};
      slots.push_back(Slot::pass(kinds[static_cast<int>(line.pass)], line.stage, micro_batch(line, op)));
    }
    orders.push_back(slots);
  }
  const auto pipes = problem.pipe_of_micro_batch();
  return Schedule::create(problem.placement(), {pipes.begin(), pipes.end()}, std::move(orders));
}

std::vector<int64_t> peaks_of(const SearchProblem& problem, const Order& order) {
  std::vector<int64_t> peaks(problem.ranks(), 0);
  for (int rank = 0; rank < problem.ranks(); ++rank) {
    int64_t held = 0;
    for (int op = order.next(problem.begin_of(rank)); op != problem.end_of(rank); op = order.next(op)) {
      held += problem.line_of(op).take;
      peaks[rank] = std::max(peaks[rank], held);
      held -= order.given_by(problem, op);
    }
  }
  return peaks;
}

bool fits_caps(const SearchProblem& problem, const Order& order) {
  const std::vector<int64_t> peaks = peaks_of(problem, order);
  for (int rank = 0; rank < problem.ranks(); ++rank) {
    if (peaks[rank] > problem.cap(rank)) return false;
  }
  return true;
}

}  // namespace pipeloom::planner
