#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/schedule/slot.h"

namespace pipeloom {

// What one pass takes at the schedule level. `need_ns`: how long after its start the pass first needs its input from
// another stage. `ready_ns`: how long after its start its output is ready.
struct PassCost {
  int64_t duration_ns = 0;
  int64_t need_ns = 0;
  int64_t ready_ns = 0;

  // A pass that needs its input at once and has its output at the end.
  static PassCost plain(int64_t duration_ns) { return {duration_ns, 0, duration_ns}; }
  bool operator==(const PassCost&) const = default;
};

struct StageCost {
  PassCost forward;         // F
  PassCost input_backward;  // I
  PassCost backward;        // B: I and W together
  int64_t weight_ns = 0;    // W

  // The first overload lets B take I + W.
  static StageCost plain(int64_t f_ns, int64_t i_ns, int64_t w_ns) { return plain(f_ns, i_ns, w_ns, i_ns + w_ns); }
  static StageCost plain(int64_t f_ns, int64_t i_ns, int64_t w_ns, int64_t b_ns) {
    return {PassCost::plain(f_ns), PassCost::plain(i_ns), PassCost::plain(b_ns), w_ns};
  }
  bool operator==(const StageCost&) const = default;
};

// What an overlapped pair of F and B, or F and I, takes. Offsets count from the start of the pair.
struct PairCost {
  int64_t duration_ns = 0;
  int64_t forward_need_ns = 0;
  int64_t forward_ready_ns = 0;
  int64_t backward_need_ns = 0;
  int64_t backward_ready_ns = 0;

  static PairCost plain(int64_t duration_ns) { return {duration_ns, 0, duration_ns, 0, duration_ns}; }
  bool operator==(const PairCost&) const = default;
};

// A directed link from one rank to another. Latency delays a message; its bytes occupy the link for bytes / rate.
struct LinkCost {
  int64_t latency_ns = 0;
  int64_t bytes_per_s = 0;  // 0: a message never occupies the link

  bool operator==(const LinkCost&) const = default;
};

// What the passes and hand-overs of a schedule cost. Micro-batches of different sizes belong to different classes.
// Immutable.
class ScheduleCosts {
 public:
  // The longest pass allowed: 2.8 hours.
  static constexpr int64_t kMaxPassNs = 10'000'000'000'000;

  struct Input {
    int classes = 1;
    std::vector<StageCost> stages;              // [class][stage]
    std::vector<uint8_t> class_of_micro_batch;  // empty: all in class 0
    std::vector<PairCost> pairs;        // one for all, or [stage of F][stage of B]; empty: F + B. Needs a single class
    std::vector<PairCost> input_pairs;  // F with I, whose W runs apart; indexed like `pairs`; empty: F + I
    std::vector<LinkCost> links = {LinkCost{}};  // one for all, or [source rank][target rank]
    std::vector<int64_t> message_bytes;          // [class] size of one hand-over; empty: 0
    bool operator==(const Input&) const = default;
  };
  // Checks that durations lie in 0 .. kMaxPassNs, that offsets lie within their pass, and that a pair takes at least
  // max(F, B), or max(F, I).
  static Result<ScheduleCosts> create(int stages, int ranks, Input input);
  // Gives every stage and every link the same cost.
  static Result<ScheduleCosts> uniform(int stages, int ranks, const StageCost& stage, const LinkCost& link = {});

  int stages() const { return stages_; }
  int ranks() const { return ranks_; }
  int classes() const { return input_.classes; }
  bool has_pair_costs(SlotKind kind = SlotKind::kFB) const { return !pairs_of(kind).empty(); }
  int class_of(int micro_batch) const {
    return input_.class_of_micro_batch.empty() ? 0 : input_.class_of_micro_batch[micro_batch];
  }
  const StageCost& stage(int stage, int micro_batch_class = 0) const {
    return input_.stages[static_cast<size_t>(micro_batch_class) * stages_ + stage];
  }
  // Returns the cost of F of `forward_stage` (class `forward_class`) overlapped with B of `backward_stage`, or with I
  // if `kind` is kFI.
  PairCost pair(int forward_stage, int backward_stage, int forward_class = 0, int backward_class = 0,
                SlotKind kind = SlotKind::kFB) const;
  const LinkCost& link(int source, int target) const {
    return input_.links.size() == 1 ? input_.links[0] : input_.links[static_cast<size_t>(source) * ranks_ + target];
  }
  int64_t message_bytes(int micro_batch_class = 0) const {
    return input_.message_bytes.empty() ? 0 : input_.message_bytes[micro_batch_class];
  }
  // Returns how long one message of the class occupies the link, in ns rounded up; 0 if the link has no rate.
  int64_t occupancy_ns(const LinkCost& link, int micro_batch_class) const;
  // True if no message ever occupies a link.
  bool latency_only() const;
  // Fails if the times of a step of `slots` slots, and sums of a few of them, might not fit into int64.
  Status check_step_of(int64_t slots) const;

  const Input& input() const { return input_; }
  bool operator==(const ScheduleCosts&) const = default;

 private:
  const std::vector<PairCost>& pairs_of(SlotKind kind) const {
    return kind == SlotKind::kFI ? input_.input_pairs : input_.pairs;
  }
  ScheduleCosts(int stages, int ranks, Input input) : stages_(stages), ranks_(ranks), input_(std::move(input)) {}

  int stages_;
  int ranks_;
  Input input_;
};

// What a rank holds for one micro-batch of one stage, in any unit (bytes, or millionths of an activation): +total at
// the start of F, -(total - kept_for_weight) at the end of I, -kept_for_weight at the end of W. W may need more than F
// kept, mostly gradients. An I whose W runs apart then takes memory at its end; a B does not.
struct ActivationSize {
  int64_t total = 0;
  int64_t kept_for_weight = 0;

  // Memory that an I takes at its end because its W needs more than `total`.
  int64_t growth() const { return kept_for_weight > total ? kept_for_weight - total : 0; }
  bool operator==(const ActivationSize&) const = default;
};

}  // namespace pipeloom
