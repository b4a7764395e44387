#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/costs/costs.h"
#include "core/schedule/placement.h"
#include "core/schedule/schedule.h"

namespace pipeloom::planner {

// What a schedule is searched for. kMakespan: when the last slot ends. kSpan: the longest time from one rank's first
// start to its last end (the zero-bubble papers, whose optimizer step is not synchronised).
enum class Objective : uint8_t { kMakespan, kSpan };

std::string_view objective_name(Objective objective);  // "makespan", "span"

// A pass as the search counts them. Where every W takes no time (and pairs are none of F and I), I stands for B and
// there is no W.
enum class Pass : uint8_t { kF = 0, kI = 1, kW = 2 };

// All passes of one kind on one stage of one pipe. Its micro-batches are alike, so they run in ascending order:
// exchanging two of them changes no time and no memory (the FIFO lemma of docs/bounds.md).
struct Line {
  int32_t rank = 0;
  int32_t pipe = 0;
  int32_t stage = 0;
  Pass pass = Pass::kF;
  int32_t count = 0;      // micro-batches
  int32_t first_op = 0;   // its ops are first_op .. first_op + count - 1
  int32_t input = -1;     // the line that hands over to this one; -1: none, or the same stage
  int32_t output = -1;    // the line that this one hands over to
  int32_t in_queue = -1;  // Placement::queues(); -1: none, or on the same rank
  int32_t out_queue = -1;
  int64_t take = 0;  // memory from its start on
  int64_t give = 0;  // memory given back at its end; below 0 where an I takes some for its W (ActivationSize)
};

// Times of an op. `ready_ns` includes the hand-over: the consumer has the output that long after this op's start.
struct OpTimes {
  int64_t duration_ns = 0;
  int64_t need_ns = 0;
  int64_t ready_ns = 0;
};

// A search problem, flat: ops are numbered line after line, lines ((pipe * stages + stage) * passes + pass). Checked
// once, const afterwards.
class SearchProblem {
 public:
  struct Input {
    Placement placement;
    std::vector<uint16_t> pipe_of_micro_batch;
    ScheduleCosts costs;
    std::vector<ActivationSize> activations;  // [stage], in any unit
    std::vector<int64_t> memory_caps;         // [rank], in the same unit; empty: none
    Objective objective = Objective::kMakespan;
  };
  // Fails where costs don't fit the placement, micro-batches differ in size, or a cap is below what one micro-batch
  // needs.
  static Result<SearchProblem> create(Input input);

  const Placement& placement() const { return input_.placement; }
  const ScheduleCosts& costs() const { return input_.costs; }
  Objective objective() const { return input_.objective; }
  std::span<const ActivationSize> activations() const { return input_.activations; }
  std::span<const uint16_t> pipe_of_micro_batch() const { return input_.pipe_of_micro_batch; }
  int ranks() const { return input_.placement.ranks(); }
  int stages() const { return input_.placement.stages(); }
  int pipes() const { return input_.placement.pipes(); }
  int micro_batches() const { return static_cast<int>(input_.pipe_of_micro_batch.size()); }
  int micro_batches_of(int pipe) const { return static_cast<int>(micro_batches_of_[pipe].size()); }
  // The micro-batch that is the `index`-th of its pipe.
  int micro_batch(int pipe, int index) const { return micro_batches_of_[pipe][index]; }

  // Passes that a stage has: 3, or 2 where there is no W.
  int passes() const { return passes_; }
  bool splits_backward() const { return passes_ == 3; }
  // Of F and B, or of F and I: costs of both are refused.
  bool has_pairs() const { return has_pair_costs(SlotKind::kFB) || has_pair_costs(SlotKind::kFI); }
  SlotKind pair_kind() const { return has_pair_costs(SlotKind::kFI) ? SlotKind::kFI : SlotKind::kFB; }
  // True where a pair takes the W of its backward out of the order.
  bool pairs_hold_weight() const { return splits_backward() && has_pair_costs(SlotKind::kFB); }
  // True where B takes less than I and W on some stage (its W hides all-to-all), and there is a W.
  bool has_short_backwards() const { return has_short_backwards_; }
  bool short_backward(int stage) const {
    const StageCost& cost = input_.costs.stage(stage);
    return has_short_backwards_ && cost.backward.duration_ns < cost.input_backward.duration_ns + cost.weight_ns;
  }
  int ops() const { return ops_; }
  std::span<const Line> lines() const { return lines_; }
  int line_number(int pipe, int stage, Pass pass) const {
    return (pipe * stages() + stage) * passes_ + static_cast<int>(pass);
  }
  // The lines of one chunk follow each other: F, I, W. These go from the number of one to that of another.
  static constexpr int input_line_of(int forward_line) { return forward_line + 1; }
  static constexpr int forward_line_of(int input_line) { return input_line - 1; }
  // REQUIRES: splits_backward().
  static constexpr int weight_line_of(int input_line) { return input_line + 1; }
  static constexpr int input_line_before(int weight_line) { return weight_line - 1; }
  const Line& line(int pipe, int stage, Pass pass) const { return lines_[line_number(pipe, stage, pass)]; }
  const Line& line_of(int op) const { return lines_[line_of_op_[op]]; }
  int line_number_of(int op) const { return line_of_op_[op]; }
  // Beside the ops there are nodes that mark where a rank's order begins and ends, and one that stands for no op.
  int begin_of(int rank) const { return ops_ + rank; }
  int end_of(int rank) const { return ops_ + ranks() + rank; }
  int nothing() const { return ops_ + 2 * ranks(); }
  int nodes() const { return ops_ + 2 * ranks() + 1; }
  // The op that hands over to `op`, and the one that takes its output; nothing() where there is none.
  int input_of(int op) const { return input_of_op_[op]; }
  int output_of(int op) const { return output_of_op_[op]; }
  // True where both ops may not change places: a fixed order of the stage, or of a queue that they share.
  bool fixed_order(int op, int later_op) const;

  std::span<const int32_t> lines_of_rank(int rank) const {
    return std::span(lines_of_rank_).subspan(rank_lines_[rank], rank_lines_[rank + 1] - rank_lines_[rank]);
  }
  int ops_of_rank(int rank) const { return ops_of_rank_[rank]; }

  // [line] Times of an op that runs alone, then two entries per pair of chunks of each rank, then two per chunk: of an
  // I and its W as one B.
  std::span<const OpTimes> times() const { return times_; }
  // Index into times() of the F of a pair; partner_times() of it is its I.
  int pair_times(int forward_line, int backward_line) const;
  // Index into times() of the I of a B; partner_times() of it is its W. REQUIRES: has_short_backwards.
  int whole_times(int backward_line) const;
  static constexpr int partner_times(int first_times) { return first_times + 1; }

  static constexpr int64_t kNoCap = INT64_MAX / 4;
  int64_t cap(int rank) const { return caps_[rank]; }
  bool has_cap(int rank) const { return caps_[rank] < kNoCap; }
  // Busy time of a rank whose slots all run alone.
  int64_t work_ns(int rank) const { return work_ns_[rank]; }

 private:
  explicit SearchProblem(Input input);
  bool has_pair_costs(SlotKind kind) const { return input_.costs.has_pair_costs(kind); }
  void add_lines();
  void connect(Line& line) const;
  void connect_ops();
  void add_times();
  void add_pair_times();
  void add_whole_times();
  OpTimes alone(const Line& line) const;
  int64_t hand_over_ns(const Line& line) const;
  Status check_caps() const;

  Input input_;
  int passes_ = 3;
  bool has_short_backwards_ = false;
  int first_whole_times_ = 0;
  int ops_ = 0;
  std::vector<std::vector<int32_t>> micro_batches_of_;  // [pipe]
  std::vector<Line> lines_;
  std::vector<int32_t> line_of_op_;
  std::vector<int32_t> input_of_op_;
  std::vector<int32_t> output_of_op_;
  std::vector<int32_t> lines_of_rank_;
  std::vector<int32_t> rank_lines_;  // [ranks + 1]
  std::vector<int32_t> ops_of_rank_;
  std::vector<int32_t> chunk_number_;  // [pipe][stage] which chunk of its rank
  std::vector<OpTimes> times_;
  std::vector<int64_t> caps_;
  std::vector<int64_t> work_ns_;
};

}  // namespace pipeloom::planner
