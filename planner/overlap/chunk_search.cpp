#include "planner/overlap/chunk_search.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "sim/engine/work.h"

namespace pipeloom {

namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr size_t kMaxStates = 4'000'000;

// Consecutive steps of a chain on one lane, or the W's of one I unit.
struct Unit {
  std::vector<SlotStep> steps;
  ChunkTask task;  // of all of them together
};

// What can run: two chains of units, and the W's of the backward chain's compute units, alternately of two kinds
// (experts, attention).
struct Pieces {
  std::vector<Unit> forward;
  std::vector<Unit> input;
  std::array<std::vector<Unit>, 2> weights;
  std::array<std::vector<int>, 2> weight_after;  // [kind][number] the input unit that it waits for, as a count
};

void add_step(Unit& unit, const SlotStep& step, const ChunkTask& task) {
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

Pieces pieces_of(const OverlapStage& forward, const OverlapStage& backward) {
  Pieces pieces;
  const auto add_chain = [&](const SlotProgram& program, std::vector<Unit>& chain) {
    const std::vector<ChunkTask> tasks = chunk_tasks(program, forward, backward);
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
      if (one[0].duration_ns > 0) add_step(weights, one[0], chunk_tasks(one, forward, backward)[0]);
    }
    const int kind = compute_units++ % 2;
    if (weights.steps.empty()) continue;
    pieces.weights[kind].push_back(std::move(weights));
    pieces.weight_after[kind].push_back(static_cast<int>(i) + 1);
  }
  return pieces;
}

// What a lane runs.
enum class Running : uint8_t { kNothing, kForward, kInput, kWeight0, kWeight1 };

struct State {
  uint16_t forward = 0;  // units that have started
  uint16_t input = 0;
  std::array<uint16_t, 2> weights = {0, 0};
  Running compute = Running::kNothing;
  Running transfer = Running::kNothing;
};

struct Label {
  int64_t time_ns = 0;
  Work left = 0;  // of the one task that runs, if one does
  int32_t parent = -1;
  Running started = Running::kNothing;  // the unit that this step started
};

// Whether contention counts; without, the result bounds every order from below.
enum class Rates { kContended, kAlone };

class Search {
 public:
  Search(const Pieces& pieces, Rates rates)
      : pieces_(pieces),
        rates_(rates),
        extent_{pieces.forward.size() + 1, pieces.input.size() + 1, pieces.weights[0].size() + 1,
                pieces.weights[1].size() + 1} {}

  size_t states() const { return extent_[0] * extent_[1] * extent_[2] * extent_[3] * 5 * 3; }

  // The units in the order in which they start; empty: a search that found nothing.
  std::vector<Running> run() {
    cells_.resize(states());
    const size_t last_rank = 2 * (extent_[0] + extent_[1] + extent_[2] + extent_[3] - 4);
    ranks_.resize(last_rank + 1);
    put({}, {});
    for (size_t rank = 0; rank < last_rank; ++rank) {
      for (size_t i = 0; i < ranks_[rank].size(); ++i) {
        const State state = ranks_[rank][i];
        // Each step starts or ends a unit, so that put() changes cells of later ranks only.
        for (const int32_t label : cells_[index(state)]) expand(state, label);
      }
      std::vector<State>().swap(ranks_[rank]);
    }
    return best_order(last_rank);
  }
  int64_t duration_ns() const { return duration_ns_; }

 private:
  size_t index(const State& s) const {
    const size_t transfer = static_cast<size_t>(s.transfer);
    const size_t place = ((s.forward * extent_[1] + s.input) * extent_[2] + s.weights[0]) * extent_[3] + s.weights[1];
    return (place * 5 + static_cast<size_t>(s.compute)) * 3 + transfer;
  }
  // Starts and ends so far.
  static size_t rank_of(const State& s) {
    const size_t started = size_t{s.forward} + s.input + s.weights[0] + s.weights[1];
    return 2 * started - (s.compute != Running::kNothing ? 1 : 0) - (s.transfer != Running::kNothing ? 1 : 0);
  }

  const ChunkTask& task_of(const State& s, Running running) const {
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

  // Whether the next unit of this kind can start now on that lane.
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

  // At least one lane is free. Starts a unit on it, or waits for the other lane.
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
      const ChunkTask& task = task_of(s, transfer_lane ? s.transfer : s.compute);
      const int64_t left_ns = time_for(label.left, task.alone_ns, task.alone_ns);
      put(after, {label.time_ns + left_ns, 0, number, Running::kNothing});
    }
  }

  void start(const State& s, const Label& label, int32_t parent, Running what, bool transfer_lane) {
    State next = started(s, what, transfer_lane);
    const Work whole = whole_work(task_of(next, what).alone_ns);
    if (next.compute == Running::kNothing || next.transfer == Running::kNothing) {
      put(next, {label.time_ns, whole, parent, what});
      return;
    }
    // Both lanes run until the first of them ends.
    const ChunkTask& compute = task_of(next, next.compute);
    const ChunkTask& transfer = task_of(next, next.transfer);
    const Work compute_left = transfer_lane ? label.left : whole;
    const Work transfer_left = transfer_lane ? whole : label.left;
    const int64_t beside_ns =
        rates_ == Rates::kAlone ? compute.alone_ns : compute.beside_ns[static_cast<size_t>(transfer.kernel)];
    const int64_t compute_ns = time_for(compute_left, compute.alone_ns, beside_ns);
    const int64_t transfer_ns = time_for(transfer_left, transfer.alone_ns, transfer.alone_ns);
    const int64_t step_ns = std::min(compute_ns, transfer_ns);
    Label after = {label.time_ns + step_ns, 0, parent, what};
    if (compute_ns == step_ns) {
      next.compute = Running::kNothing;
    } else {
      after.left = compute_left - work_in(step_ns, compute_left, compute.alone_ns, beside_ns);
    }
    if (transfer_ns == step_ns) {
      next.transfer = Running::kNothing;
    } else {
      after.left = transfer_left - work_in(step_ns, transfer_left, transfer.alone_ns, transfer.alone_ns);
    }
    put(next, after);
  }

  void put(const State& state, const Label& label) {
    std::vector<int32_t>& cell = cells_[index(state)];
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
      for (const int32_t label : cells_[index(state)]) {
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
  Rates rates_;
  std::array<size_t, 4> extent_;
  std::vector<std::vector<int32_t>> cells_;  // [state] labels, none better than another
  std::vector<Label> labels_;
  std::vector<std::vector<State>> ranks_;  // states with labels, by starts and ends so far
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

// C + e X / (1 + e).
int64_t contention_bound_ns(const std::vector<ChunkTask>& tasks) {
  int64_t compute_ns = 0;
  int64_t transfer_ns = 0;
  double least_slowdown = std::numeric_limits<double>::max();
  for (const ChunkTask& task : tasks) {
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

ChunkPlan plan_chunk(const OverlapStage& forward, const OverlapStage& backward) {
  const SlotProgram figure4 = figure4_order(forward, backward);
  ChunkPlan plan;
  plan.figure4_ns = time_slot(figure4, forward, backward).duration_ns;
  plan.program = figure4;
  plan.duration_ns = plan.figure4_ns;
  plan.is_figure4 = true;
  plan.bound_ns = contention_bound_ns(chunk_tasks(figure4, forward, backward));
  const Pieces pieces = pieces_of(forward, backward);
  Search contended(pieces, Rates::kContended);
  if (contended.states() > kMaxStates) return plan;
  Search alone(pieces, Rates::kAlone);
  alone.run();
  plan.bound_ns = std::max(plan.bound_ns, alone.duration_ns());
  SlotProgram found = program_of(pieces, contended.run());
  const int64_t found_ns = time_slot(found, forward, backward).duration_ns;
  if (found_ns < plan.figure4_ns) {
    plan.program = std::move(found);
    plan.duration_ns = found_ns;
    plan.is_figure4 = false;
  }
  return plan;
}

}  // namespace pipeloom
