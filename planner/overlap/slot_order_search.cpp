#include "planner/overlap/slot_order_search.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "sim/engine/work_progress.h"

namespace pipeloom::planner {

namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
// Limits a search to some 50 ms.
constexpr size_t kMaxStates = 300'000;

// Consecutive steps of a chain on one lane, or the W's of the steps in one unit of I.
struct Unit {
  std::vector<SlotStep> steps;
  sim::SlotTask task;  // all steps together
};

// The units to order: two chains, and the W's of the compute units of the backward chain. The W's alternate between two
// kinds (experts, attention).
struct Pieces {
  std::vector<Unit> forward;
  std::vector<Unit> input;
  std::array<std::vector<Unit>, 2> weights;
  std::array<std::vector<int>, 2> weight_after;  // [kind][number] how many input units must have ended before it
};

void add_step(Unit& unit, const SlotStep& step, const sim::SlotTask& task) {
  if (unit.steps.empty()) {
    unit.task = task;
    unit.task.after = -1;
  } else {
    unit.task.alone_ns += task.alone_ns;
    for (size_t kernel = 0; kernel < std::size(task.beside_ns); ++kernel) {
      unit.task.beside_ns[kernel] += task.beside_ns[kernel];
    }
  }
  unit.steps.push_back(step);
}

Pieces pieces_of(const sim::OverlapStage& forward, const sim::OverlapStage& backward) {
  Pieces pieces;
  const auto add_chain = [&](const SlotProgram& program, std::vector<Unit>& chain) {
    const std::vector<sim::SlotTask> tasks = sim::slot_tasks(program, forward, backward);
    for (size_t i = 0; i < program.size(); ++i) {
      if (chain.empty() || chain.back().task.communication != tasks[i].communication) chain.emplace_back();
      add_step(chain.back(), program[i], tasks[i]);
    }
  };
  add_chain(forward_program(forward.alone), pieces.forward);
  add_chain(input_program(backward.alone), pieces.input);
  int compute_units = 0;
  for (size_t i = 0; i < pieces.input.size(); ++i) {
    if (pieces.input[i].task.communication) continue;
    Unit weights;
    for (const SlotStep& step : pieces.input[i].steps) {
      const SlotProgram one = {{SlotKind::kW, step.component, backward.alone[step.component].weight_ns}};
      if (one[0].duration_ns > 0) add_step(weights, one[0], sim::slot_tasks(one, forward, backward)[0]);
    }
    const int kind = compute_units++ % 2;
    if (weights.steps.empty()) continue;
    pieces.weights[kind].push_back(std::move(weights));
    pieces.weight_after[kind].push_back(static_cast<int>(i) + 1);
  }
  return pieces;
}

// The unit that a lane runs.
enum class Running : uint8_t { kNothing, kForward, kInput, kWeight0, kWeight1 };

struct State {
  uint16_t forward = 0;  // units started so far
  uint16_t input = 0;
  std::array<uint16_t, 2> weights = {0, 0};
  Running compute = Running::kNothing;
  Running transfer = Running::kNothing;
};

struct Label {
  int64_t time_ns = 0;
  sim::Work left = 0;  // work left of the one task that is running, if any
  int32_t parent = -1;
  Running started = Running::kNothing;  // kind of the unit that this step started
};

// kAlone ignores contention, so its result bounds every order from below.
enum class Rates { kContended, kAlone };

// Limits how far the chains may be apart, in layers: F from its place if both advanced evenly, a W from its I.
class Window {
 public:
  Window(const Pieces& pieces, size_t layers)
      : pieces_(pieces),
        forward_width_(std::min(pieces.forward.size(), 2 * kUnitsPerLayer * layers) + 1),
        weight_width_{std::min(pieces.weights[0].size(), layers) + 1, std::min(pieces.weights[1].size(), layers) + 1} {}

  // Returns the widest window with at most kMaxStates states.
  static Window widest(const Pieces& pieces) {
    size_t layers = std::max(pieces.forward.size(), pieces.input.size());
    while (layers > 1 && Window(pieces, layers).states() > kMaxStates) --layers;
    return {pieces, layers};
  }

  size_t states() const {
    return (pieces_.input.size() + 1) * forward_width_ * weight_width_[0] * weight_width_[1] * kLaneStates;
  }
  bool is_whole() const {
    return forward_width_ > pieces_.forward.size() && weight_width_[0] > pieces_.weights[0].size() &&
           weight_width_[1] > pieces_.weights[1].size();
  }
  bool has(const State& s) const {
    return s.forward >= first_forward(s.input) && s.forward < first_forward(s.input) + forward_width_ &&
           s.weights[0] >= first_weight(0, s.input) && s.weights[1] >= first_weight(1, s.input);
  }
  // REQUIRES: has(s).
  size_t index(const State& s) const {
    size_t place = s.input * forward_width_ + (s.forward - first_forward(s.input));
    for (size_t kind = 0; kind < 2; ++kind) {
      place = place * weight_width_[kind] + (s.weights[kind] - first_weight(kind, s.input));
    }
    return place * kLaneStates + static_cast<size_t>(s.compute) * 3 + static_cast<size_t>(s.transfer);
  }

 private:
  static constexpr size_t kUnitsPerLayer = 4;
  static constexpr size_t kLaneStates = 5 * 3;

  size_t first_forward(size_t input) const {
    if (pieces_.input.empty()) return 0;
    const size_t even = input * pieces_.forward.size() / pieces_.input.size();
    const size_t half = forward_width_ / 2;
    return std::min(even - std::min(even, half), pieces_.forward.size() + 1 - forward_width_);
  }
  size_t first_weight(size_t kind, size_t input) const {
    const std::vector<int>& after = pieces_.weight_after[kind];
    const auto startable =
        static_cast<size_t>(std::upper_bound(after.begin(), after.end(), static_cast<int>(input)) - after.begin());
    return startable - std::min(startable, weight_width_[kind] - 1);
  }

  const Pieces& pieces_;
  size_t forward_width_;
  std::array<size_t, 2> weight_width_;
};

class Search {
 public:
  Search(const Pieces& pieces, const Window& window, Rates rates) : pieces_(pieces), window_(window), rates_(rates) {}

  // Returns the units in the order in which they start; empty if none was found.
  std::vector<Running> run() {
    cells_.resize(window_.states());
    const size_t last_rank =
        2 * (pieces_.forward.size() + pieces_.input.size() + pieces_.weights[0].size() + pieces_.weights[1].size());
    ranks_.resize(last_rank + 1);
    put({}, {});
    for (size_t rank = 0; rank < last_rank; ++rank) {
      for (size_t i = 0; i < ranks_[rank].size(); ++i) {
        const State state = ranks_[rank][i];
        // Each step starts or ends a unit, so put() changes only cells of later ranks.
        for (const int32_t label : cells_[window_.index(state)]) expand(state, label);
      }
      std::vector<State>().swap(ranks_[rank]);
    }
    return best_order(last_rank);
  }
  int64_t duration_ns() const { return duration_ns_; }

 private:
  // Returns the number of starts and ends so far.
  static size_t rank_of(const State& s) {
    const size_t started = size_t{s.forward} + s.input + s.weights[0] + s.weights[1];
    return 2 * started - (s.compute != Running::kNothing ? 1 : 0) - (s.transfer != Running::kNothing ? 1 : 0);
  }

  const sim::SlotTask& task_of(const State& s, Running running) const {
    switch (running) {
      case Running::kForward:
        return pieces_.forward[s.forward - 1].task;
      case Running::kInput:
        return pieces_.input[s.input - 1].task;
      case Running::kWeight0:
        return pieces_.weights[0][s.weights[0] - 1].task;
      default:
        return pieces_.weights[1][s.weights[1] - 1].task;
    }
  }

  bool runs(const State& s, Running running) const { return s.compute == running || s.transfer == running; }
  int ended_input(const State& s) const { return s.input - (runs(s, Running::kInput) ? 1 : 0); }

  // True if the next unit of this kind can start now on the given lane.
  bool can_start(const State& s, Running what, bool transfer_lane) const {
    switch (what) {
      case Running::kForward:
        return s.forward < pieces_.forward.size() && !runs(s, what) &&
               pieces_.forward[s.forward].task.communication == transfer_lane;
      case Running::kInput:
        return s.input < pieces_.input.size() && !runs(s, what) &&
               pieces_.input[s.input].task.communication == transfer_lane;
      case Running::kWeight0:
      case Running::kWeight1: {
        const int kind = what == Running::kWeight0 ? 0 : 1;
        const size_t next = s.weights[kind];
        return !transfer_lane && next < pieces_.weights[kind].size() &&
               ended_input(s) >= pieces_.weight_after[kind][next];
      }
      default:
        return false;
    }
  }

  static State started(State s, Running what, bool transfer_lane) {
    if (what == Running::kForward) ++s.forward;
    if (what == Running::kInput) ++s.input;
    if (what == Running::kWeight0) ++s.weights[0];
    if (what == Running::kWeight1) ++s.weights[1];
    (transfer_lane ? s.transfer : s.compute) = what;
    return s;
  }

  // Starts a unit on a free lane, or waits for the other lane. REQUIRES: at least one lane is free.
  void expand(const State& s, int32_t number) {
    const Label label = labels_[number];
    for (const bool transfer_lane : {false, true}) {
      if ((transfer_lane ? s.transfer : s.compute) != Running::kNothing) continue;
      for (const Running what : {Running::kForward, Running::kInput, Running::kWeight0, Running::kWeight1}) {
        if (can_start(s, what, transfer_lane)) start(s, label, number, what, transfer_lane);
      }
    }
    if (s.compute != Running::kNothing || s.transfer != Running::kNothing) {
      const bool transfer_lane = s.transfer != Running::kNothing;
      State after = s;
      (transfer_lane ? after.transfer : after.compute) = Running::kNothing;
      const sim::SlotTask& task = task_of(s, transfer_lane ? s.transfer : s.compute);
      const int64_t left_ns = sim::time_for(label.left, task.alone_ns, task.alone_ns);
      put(after, {label.time_ns + left_ns, 0, number, Running::kNothing});
    }
  }

  void start(const State& s, const Label& label, int32_t parent, Running what, bool transfer_lane) {
    State next = started(s, what, transfer_lane);
    const sim::Work whole = sim::whole_work(task_of(next, what).alone_ns);
    if (next.compute == Running::kNothing || next.transfer == Running::kNothing) {
      put(next, {label.time_ns, whole, parent, what});
      return;
    }
    // Both lanes run until one of them ends.
    const sim::SlotTask& compute = task_of(next, next.compute);
    const sim::SlotTask& transfer = task_of(next, next.transfer);
    const sim::Work compute_left = transfer_lane ? label.left : whole;
    const sim::Work transfer_left = transfer_lane ? whole : label.left;
    const int64_t beside_ns =
        rates_ == Rates::kAlone ? compute.alone_ns : compute.beside_ns[static_cast<size_t>(transfer.kernel)];
    const int64_t compute_ns = sim::time_for(compute_left, compute.alone_ns, beside_ns);
    const int64_t transfer_ns = sim::time_for(transfer_left, transfer.alone_ns, transfer.alone_ns);
    const int64_t step_ns = std::min(compute_ns, transfer_ns);
    Label after = {label.time_ns + step_ns, 0, parent, what};
    if (compute_ns == step_ns) {
      next.compute = Running::kNothing;
    } else {
      after.left = compute_left - sim::work_in(step_ns, compute_left, compute.alone_ns, beside_ns);
    }
    if (transfer_ns == step_ns) {
      next.transfer = Running::kNothing;
    } else {
      after.left = transfer_left - sim::work_in(step_ns, transfer_left, transfer.alone_ns, transfer.alone_ns);
    }
    put(next, after);
  }

  void put(const State& state, const Label& label) {
    if (!window_.has(state)) return;
    std::vector<int32_t>& cell = cells_[window_.index(state)];
    const auto no_better = [&](const Label& a, const Label& b) { return b.time_ns <= a.time_ns && b.left <= a.left; };
    for (const int32_t other : cell) {
      if (no_better(label, labels_[other])) return;
    }
    if (cell.empty()) ranks_[rank_of(state)].push_back(state);
    std::erase_if(cell, [&](int32_t other) { return no_better(labels_[other], label); });
    cell.push_back(static_cast<int32_t>(labels_.size()));
    labels_.push_back(label);
  }

  std::vector<Running> best_order(size_t last_rank) {
    int32_t best = -1;
    for (const State& state : ranks_[last_rank]) {
      for (const int32_t label : cells_[window_.index(state)]) {
        if (best < 0 || labels_[label].time_ns < labels_[best].time_ns) best = label;
      }
    }
    if (best < 0) return {};
    duration_ns_ = labels_[best].time_ns;
    std::vector<Running> order;
    for (int32_t label = best; label >= 0; label = labels_[label].parent) {
      if (labels_[label].started != Running::kNothing) order.push_back(labels_[label].started);
    }
    std::reverse(order.begin(), order.end());
    return order;
  }

  const Pieces& pieces_;
  const Window& window_;
  Rates rates_;
  std::vector<std::vector<int32_t>> cells_;  // [state] labels, none of which beats another
  std::vector<Label> labels_;
  std::vector<std::vector<State>> ranks_;  // [starts and ends so far] states with labels
  int64_t duration_ns_ = kNever;
};

SlotProgram program_of(const Pieces& pieces, const std::vector<Running>& order) {
  SlotProgram program;
  size_t next[5] = {};
  for (const Running what : order) {
    const std::vector<Unit>& units = what == Running::kForward   ? pieces.forward
                                     : what == Running::kInput   ? pieces.input
                                     : what == Running::kWeight0 ? pieces.weights[0]
                                                                 : pieces.weights[1];
    const Unit& unit = units[next[static_cast<size_t>(what)]++];
    program.insert(program.end(), unit.steps.begin(), unit.steps.end());
  }
  return program;
}

// Returns C + e X / (1 + e), the bound by contention of search_slot_order().
int64_t contention_bound_ns(const std::vector<sim::SlotTask>& tasks) {
  int64_t compute_ns = 0;
  int64_t transfer_ns = 0;
  double least_slowdown = std::numeric_limits<double>::max();
  for (const sim::SlotTask& task : tasks) {
    if (task.communication) {
      transfer_ns += task.alone_ns;
    } else if (task.alone_ns > 0) {
      compute_ns += task.alone_ns;
      const int64_t beside_ns = std::min(task.beside_ns[0], task.beside_ns[1]);
      least_slowdown = std::min(least_slowdown, static_cast<double>(beside_ns) / static_cast<double>(task.alone_ns));
    }
  }
  if (compute_ns == 0) return transfer_ns;
  const double hidden_costs = static_cast<double>(transfer_ns) * (1 - 1 / least_slowdown);
  return std::max(transfer_ns, compute_ns + static_cast<int64_t>(hidden_costs));
}

}  // namespace

FoundSlotOrder search_slot_order(const sim::OverlapStage& forward, const sim::OverlapStage& backward) {
  const SlotProgram usual = sim::usual_order(forward, backward);
  FoundSlotOrder plan;
  plan.usual_ns = sim::time_slot(usual, forward, backward).duration_ns;
  plan.program = usual;
  plan.duration_ns = plan.usual_ns;
  plan.is_usual = true;
  plan.bound_ns = contention_bound_ns(sim::slot_tasks(usual, forward, backward));
  const Pieces pieces = pieces_of(forward, backward);
  const Window window = Window::widest(pieces);
  if (window.is_whole()) {
    Search alone(pieces, window, Rates::kAlone);
    alone.run();
    plan.bound_ns = std::max(plan.bound_ns, alone.duration_ns());
  }
  SlotProgram found = program_of(pieces, Search(pieces, window, Rates::kContended).run());
  const int64_t found_ns = sim::time_slot(found, forward, backward).duration_ns;
  if (found.size() == usual.size() && found_ns < plan.usual_ns) {
    plan.program = std::move(found);
    plan.duration_ns = found_ns;
    plan.is_usual = false;
  }
  return plan;
}

}  // namespace pipeloom::planner
