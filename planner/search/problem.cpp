#include "planner/search/problem.h"

#include <fmt/format.h>

#include <algorithm>

namespace pipeloom::planner {

std::string_view objective_name(Objective objective) {
  return objective == Objective::kMakespan ? "makespan" : "span";
}

namespace {

Status check_input(const SearchProblem::Input& input) {
  const Placement& placement = input.placement;
  if (input.costs.stages() != placement.stages() || input.costs.ranks() != placement.ranks()) {
    return invalid(fmt::format("costs are for {} stages on {} ranks; the placement has {} on {}", input.costs.stages(),
                               input.costs.ranks(), placement.stages(), placement.ranks()));
  }
  if (input.costs.classes() != 1) {
    return unsupported("the search takes micro-batches of one size; these costs have several classes");
  }
  if (input.costs.has_pair_costs(SlotKind::kFB) && input.costs.has_pair_costs(SlotKind::kFI)) {
    return unsupported("the search takes pairs of one kind; these costs have some of F and B, and some of F and I");
  }
  if (static_cast<int>(input.activations.size()) != placement.stages()) {
    return invalid(fmt::format("activations are given for {} stages; the placement has {}", input.activations.size(),
                               placement.stages()));
  }
  if (!input.memory_caps.empty() && static_cast<int>(input.memory_caps.size()) != placement.ranks()) {
    return invalid(fmt::format("memory caps are given for {} ranks; allowed are one for all or {}",
                               input.memory_caps.size(), placement.ranks()));
  }
  for (const uint16_t pipe : input.pipe_of_micro_batch) {
    if (pipe >= placement.pipes()) {
      return invalid(fmt::format("a micro-batch is on pipe {}; the placement has {}", pipe, placement.pipes()));
    }
  }
  const auto passes = int64_t{3} * placement.stages() * static_cast<int64_t>(input.pipe_of_micro_batch.size());
  constexpr int64_t kMaxOps = 1 << 26;  // needs about 10 GB
  if (passes == 0 || passes > kMaxOps) {
    return invalid(fmt::format("the search takes 1 to {} passes; this problem has {}", kMaxOps, passes));
  }
  return input.costs.check_step_of(passes);
}

}  // namespace

Result<SearchProblem> SearchProblem::create(Input input) {
  PIPELOOM_RETURN_IF_ERROR(check_input(input));
  SearchProblem problem(std::move(input));
  PIPELOOM_RETURN_IF_ERROR(problem.check_caps());
  return problem;
}

SearchProblem::SearchProblem(Input input) : input_(std::move(input)) {
  const auto& stages = input_.costs.input().stages;
  const bool fused = !has_pair_costs(SlotKind::kFI) &&
                     std::ranges::all_of(stages, [](const StageCost& cost) { return cost.weight_ns == 0; });
  passes_ = fused ? 2 : 3;
  has_short_backwards_ = !fused && std::ranges::any_of(stages, [](const StageCost& cost) {
    return cost.backward.duration_ns < cost.input_backward.duration_ns + cost.weight_ns;
  });
  micro_batches_of_.resize(pipes());
  for (int m = 0; m < micro_batches(); ++m) micro_batches_of_[input_.pipe_of_micro_batch[m]].push_back(m);
  caps_ = input_.memory_caps;
  if (caps_.empty()) caps_.assign(ranks(), kNoCap);
  for (int64_t& cap : caps_) cap = std::min(cap, kNoCap);
  add_lines();
  connect_ops();
  add_times();
}

void SearchProblem::connect_ops() {
  input_of_op_.assign(ops_, nothing());
  output_of_op_.assign(ops_, nothing());
  for (const Line& line : lines_) {
    for (int i = 0; i < line.count; ++i) {
      if (line.input >= 0) input_of_op_[line.first_op + i] = lines_[line.input].first_op + i;
      if (line.output >= 0) output_of_op_[line.first_op + i] = lines_[line.output].first_op + i;
    }
  }
}

bool SearchProblem::fixed_order(int op, int later_op) const {
  const Line& a = line_of(op);
  const Line& b = line_of(later_op);
  if (a.pipe == b.pipe && a.stage == b.stage) return a.pass == b.pass || op - a.first_op == later_op - b.first_op;
  if (a.pass != b.pass) return false;
  if (input_of_op_[later_op] == op) return true;
  return (a.in_queue >= 0 && a.in_queue == b.in_queue) || (a.out_queue >= 0 && a.out_queue == b.out_queue);
}

void SearchProblem::connect(Line& line) const {
  const Placement& place = placement();
  const bool forward = line.pass == Pass::kF;
  if (line.pass == Pass::kW) return;
  const int from = forward ? line.stage - 1 : line.stage + 1;
  const int to = forward ? line.stage + 1 : line.stage - 1;
  const Direction direction = forward ? Direction::kForward : Direction::kBackward;
  if (from >= 0 && from < stages()) {
    line.input = line_number(line.pipe, from, line.pass);
    line.in_queue = place.queue_from(direction, line.pipe, from);
  }
  if (to >= 0 && to < stages()) {
    line.output = line_number(line.pipe, to, line.pass);
    line.out_queue = place.queue_from(direction, line.pipe, line.stage);
  }
}

void SearchProblem::add_lines() {
  std::vector<std::vector<int32_t>> of_rank(ranks());
  chunk_number_.resize(static_cast<size_t>(pipes()) * stages());
  for (int rank = 0; rank < ranks(); ++rank) {
    int number = 0;
    for (const Chunk& chunk : placement().chunks_of(rank)) {
      chunk_number_[static_cast<size_t>(chunk.pipe) * stages() + chunk.stage] = number++;
    }
  }
  for (int pipe = 0; pipe < pipes(); ++pipe) {
    for (int stage = 0; stage < stages(); ++stage) {
      const ActivationSize& size = input_.activations[stage];
      for (int pass = 0; pass < passes_; ++pass) {
        Line line;
        line.rank = placement().rank_of(pipe, stage);
        line.pipe = pipe;
        line.stage = stage;
        line.pass = static_cast<Pass>(pass);
        line.count = micro_batches_of(pipe);
        line.first_op = ops_;
        if (line.pass == Pass::kF) line.take = size.total;
        if (line.pass == Pass::kI) line.give = passes_ == 2 ? size.total : size.total - size.kept_for_weight;
        if (line.pass == Pass::kW) line.give = size.kept_for_weight;
        connect(line);
        of_rank[line.rank].push_back(static_cast<int32_t>(lines_.size()));
        line_of_op_.insert(line_of_op_.end(), line.count, static_cast<int32_t>(lines_.size()));
        ops_ += line.count;
        lines_.push_back(line);
      }
    }
  }
  rank_lines_ = {0};
  for (const auto& lines : of_rank) {
    lines_of_rank_.insert(lines_of_rank_.end(), lines.begin(), lines.end());
    rank_lines_.push_back(static_cast<int32_t>(lines_of_rank_.size()));
    int ops = 0;
    for (const int32_t line : lines) ops += lines_[line].count;
    ops_of_rank_.push_back(ops);
  }
}

// Returns the latency of a hand-over plus the time for which it occupies its link.
int64_t SearchProblem::hand_over_ns(const Line& line) const {
  if (line.out_queue < 0) return 0;
  const auto& queue = placement().queues()[line.out_queue];
  const LinkCost& link = costs().link(queue.source, queue.target);
  return link.latency_ns + costs().occupancy_ns(link, 0);
}

OpTimes SearchProblem::alone(const Line& line) const {
  const StageCost& cost = costs().stage(line.stage);
  if (line.pass == Pass::kW) return {cost.weight_ns, 0, cost.weight_ns};
  const PassCost& pass = line.pass == Pass::kF ? cost.forward : passes_ == 2 ? cost.backward : cost.input_backward;
  return {pass.duration_ns, pass.need_ns, pass.ready_ns + hand_over_ns(line)};
}

void SearchProblem::add_times() {
  work_ns_.assign(ranks(), 0);
  for (const Line& line : lines_) {
    times_.push_back(alone(line));
    work_ns_[line.rank] += times_.back().duration_ns * line.count;
  }
  if (has_pairs()) add_pair_times();
  if (has_short_backwards_) add_whole_times();
}

void SearchProblem::add_pair_times() {
  for (int rank = 0; rank < ranks(); ++rank) {
    for (const Chunk& f : placement().chunks_of(rank)) {
      for (const Chunk& b : placement().chunks_of(rank)) {
        const PairCost pair = costs().pair(f.stage, b.stage, 0, 0, pair_kind());
        const int64_t down_ns = hand_over_ns(line(f.pipe, f.stage, Pass::kF));
        const int64_t up_ns = hand_over_ns(line(b.pipe, b.stage, Pass::kI));
        times_.push_back({pair.duration_ns, pair.forward_need_ns, pair.forward_ready_ns + down_ns});
        times_.push_back({pair.duration_ns, pair.backward_need_ns, pair.backward_ready_ns + up_ns});
      }
    }
  }
}

void SearchProblem::add_whole_times() {
  first_whole_times_ = static_cast<int>(times_.size());
  for (int pipe = 0; pipe < pipes(); ++pipe) {
    for (int stage = 0; stage < stages(); ++stage) {
      const PassCost& whole = costs().stage(stage).backward;
      const int64_t up_ns = hand_over_ns(line(pipe, stage, Pass::kI));
      times_.push_back({whole.duration_ns, whole.need_ns, whole.ready_ns + up_ns});
      times_.push_back({whole.duration_ns, 0, whole.duration_ns});
    }
  }
}

int SearchProblem::whole_times(int backward_line) const {
  return first_whole_times_ + 2 * (backward_line / passes_);
}

int SearchProblem::pair_times(int forward_line, int backward_line) const {
  const auto chunk = [&](int number) {
    const Line& line = lines_[number];
    return chunk_number_[static_cast<size_t>(line.pipe) * stages() + line.stage];
  };
  const int chunks = placement().chunks_per_rank();
  const int pair = (lines_[forward_line].rank * chunks + chunk(forward_line)) * chunks + chunk(backward_line);
  return static_cast<int>(lines_.size()) + 2 * pair;
}

// Checks that every cap holds one micro-batch. When it turns around, the micro-batch is on all chunks of its pipe on a
// rank at once, and the first I there may take memory.
Status SearchProblem::check_caps() const {
  for (int rank = 0; rank < ranks(); ++rank) {
    std::vector<int64_t> needed(pipes(), 0);
    std::vector<int64_t> growth(pipes(), 0);
    for (const Chunk& chunk : placement().chunks_of(rank)) {
      if (micro_batches_of(chunk.pipe) == 0) continue;
      const ActivationSize& size = input_.activations[chunk.stage];
      needed[chunk.pipe] += size.total;
      if (splits_backward()) growth[chunk.pipe] = std::max(growth[chunk.pipe], size.growth());
    }
    for (int pipe = 0; pipe < pipes(); ++pipe) needed[pipe] += growth[pipe];
    const int64_t least = *std::ranges::max_element(needed);
    if (caps_[rank] < least) {
      return unsupported(
          fmt::format("the memory cap of rank {} is {}; one micro-batch needs {} there", rank, caps_[rank], least));
    }
  }
  return {};
}

}  // namespace pipeloom::planner
