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

// What a search makes short. kMakespan: when the last slot ends. kSpan: the longest time from one rank's first start to
// its last end, for optimizers that do not wait for all ranks (zero-bubble papers).
enum class Objective : uint8_t { kMakespan, kSpan };

std::string_view objective_name(Objective objective);  // "makespan", "span"

// A pass as the search counts them. If every W takes no time and there are no pairs of F and I, I stands for B and
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
  int32_t first_op = 0;   // ops are first_op .. first_op + count - 1
  int32_t input = -1;     // line that hands over to this one; -1: none, or the same stage
  int32_t output = -1;    // line that this one hands over to; -1: none
  int32_t in_queue = -1;  // index into Placement::queues(); -1: none, or on the same rank
  int32_t out_queue = -1;
  int64_t take = 0;  // memory taken at its start
  int64_t give = 0;  // memory given back at its end; negative if an I takes some for its W (ActivationSize)
};

// Times of an op, from its start. `ready_ns` includes the hand-over: the consumer has the output that long after this
// op's start.
struct OpTimes {
  int64_t duration_ns = 0;
  int64_t need_ns = 0;
  int64_t ready_ns = 0;
};

// A search problem in flat arrays. Ops are numbered line after line, lines ((pipe * stages + stage) * passes + pass).
// Checked once and immutable.
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
  // Fails if costs don't fit the placement, micro-batches differ in size, or a cap is below what one micro-batch needs.
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

  // Number of passes of a stage: 3, or 2 if there is no W.
  int passes() const { return passes_; }
  bool splits_backward() const { return passes_ == 3; }
  // Pairs are of F and B, or of F and I. create() refuses costs of both.
  bool has_pairs() const { return has_pair_costs(SlotKind::kFB) || has_pair_costs(SlotKind::kFI); }
  SlotKind pair_kind() const { return has_pair_costs(SlotKind::kFI) ? SlotKind::kFI : SlotKind::kFB; }
  // True if a pair takes the W of its backward out of the order.
  bool pairs_hold_weight() const { return splits_backward() && has_pair_costs(SlotKind::kFB); }
  // True if B takes less than I and W on some stage (its W hides all-to-all), and there is a W.
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
  // The lines of one chunk have consecutive numbers: F, I, W. These functions go from one to another.
  static constexpr int input_line_of(int forward_line) { return forward_line + 1; }
  static constexpr int forward_line_of(int input_line) { return input_line - 1; }
  // REQUIRES: splits_backward().
  static constexpr int weight_line_of(int input_line) { return input_line + 1; }
  static constexpr int input_line_before(int weight_line) { return weight_line - 1; }
  const Line& line(int pipe, int stage, Pass pass) const { return lines_[line_number(pipe, stage, pass)]; }
  const Line& line_of(int op) const { return lines_[line_of_op_[op]]; }
  int line_number_of(int op) const { return line_of_op_[op]; }
  // Numbers of nodes that are no ops: the begin and the end of each rank's order, and one that stands for "no op".
  int begin_of(int rank) const { return ops_ + rank; }
  int end_of(int rank) const { return ops_ + ranks() + rank; }
  int nothing() const { return ops_ + 2 * ranks(); }
  int nodes() const { return ops_ + 2 * ranks() + 1; }
  // Return the op that hands over to `op`, and the one that takes its output; nothing() if there is none.
  int input_of(int op) const { return input_of_op_[op]; }
  int output_of(int op) const { return output_of_op_[op]; }
  // True if the two ops may not change places: the order within their stage, or on a queue that they share, is fixed.
  bool fixed_order(int op, int later_op) const;

  std::span<const int32_t> lines_of_rank(int rank) const {
    return std::span(lines_of_rank_).subspan(rank_lines_[rank], rank_lines_[rank + 1] - rank_lines_[rank]);
  }
  int ops_of_rank(int rank) const { return ops_of_rank_[rank]; }

  // [line] Times of an op that runs alone; then two entries per pair of chunks of each rank; then two per chunk, for an
  // I and its W as one B.
  std::span<const OpTimes> times() const { return times_; }
  // Returns the index into times() of a pair's F; partner_times() of it is its I.
  int pair_times(int forward_line, int backward_line) const;
  // Returns the index into times() of a B's I; partner_times() of it is its W. REQUIRES: has_short_backwards.
  int whole_times(int backward_line) const;
  static constexpr int partner_times(int first_times) { return first_times + 1; }

  static constexpr int64_t kNoCap = INT64_MAX / 4;
  int64_t cap(int rank) const { return caps_[rank]; }
  bool has_cap(int rank) const { return caps_[rank] < kNoCap; }
  // Busy time of a rank if all its slots run alone.
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
  std::vector<int32_t> chunk_number_;  // [pipe][stage] number of the chunk on its rank
  std::vector<OpTimes> times_;
  std::vector<int64_t> caps_;
  std::vector<int64_t> work_ns_;
};

}  // namespace pipeloom::planner
