#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/schedule/slot.h"

namespace pipeloom {

// One pass at the schedule level. `need_ns`: how long after its start the pass first needs its input from another
// stage; `ready_ns`: how long after its start its output is there.
struct PassCost {
  int64_t duration_ns = 0;
  int64_t need_ns = 0;
  int64_t ready_ns = 0;

  // Needs its input at once, has its output at the end.
  static PassCost plain(int64_t duration_ns) { return {duration_ns, 0, duration_ns}; }
  bool operator==(const PassCost&) const = default;
};

struct StageCost {
  PassCost forward;         // F
  PassCost input_backward;  // I
  PassCost backward;        // B: I and W together
  int64_t weight_ns = 0;    // W

  // B takes I + W.
  static StageCost plain(int64_t f_ns, int64_t i_ns, int64_t w_ns) { return plain(f_ns, i_ns, w_ns, i_ns + w_ns); }
  static StageCost plain(int64_t f_ns, int64_t i_ns, int64_t w_ns, int64_t b_ns) {
    return {PassCost::plain(f_ns), PassCost::plain(i_ns), PassCost::plain(b_ns), w_ns};
  }
  bool operator==(const StageCost&) const = default;
};

// An overlapped F and B, or F and I.
struct PairCost {
  int64_t duration_ns = 0;
  int64_t forward_need_ns = 0;
  int64_t forward_ready_ns = 0;
  int64_t backward_need_ns = 0;
  int64_t backward_ready_ns = 0;

  static PairCost plain(int64_t duration_ns) { return {duration_ns, 0, duration_ns, 0, duration_ns}; }
  bool operator==(const PairCost&) const = default;
};

// A directed link from one rank to another. Latency delays a message; bytes over the rate occupy the link.
struct LinkCost {
  int64_t latency_ns = 0;
  int64_t bytes_per_s = 0;  // 0: a message never occupies the link

  bool operator==(const LinkCost&) const = default;
};

// What a schedule's passes and hand-overs cost. Micro-batches of different sizes belong to different classes.
// Immutable.
class ScheduleCosts {
 public:
  // A pass longer than this is refused (2.8 hours).
  static constexpr int64_t kMaxPassNs = 10'000'000'000'000;

  struct Input {
    int classes = 1;
    std::vector<StageCost> stages;              // [class][stage]
    std::vector<uint8_t> class_of_micro_batch;  // empty: all in class 0
    std::vector<PairCost> pairs;        // one for all, or [stage of F][stage of B]; empty: F + B. Only with one class
    std::vector<PairCost> input_pairs;  // the same of F with I, whose W runs apart; empty: F + I
    std::vector<LinkCost> links = {LinkCost{}};  // one for all, or [source rank][target rank]
    std::vector<int64_t> message_bytes;          // [class], of one hand-over; empty: 0
    bool operator==(const Input&) const = default;
  };
  // Checks every duration and offset: not negative, ready within the pass, need within the pass, a pair at least
  // max(F, B), or max(F, I), and at most kMaxPassNs.
  static Result<ScheduleCosts> create(int stages, int ranks, Input input);
  // The same plain costs on every stage.
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
  // Of F of `forward_stage` (class `forward_class`) overlapped with B of `backward_stage`; with kFI, with I.
  PairCost pair(int forward_stage, int backward_stage, int forward_class = 0, int backward_class = 0,
                SlotKind kind = SlotKind::kFB) const;
  const LinkCost& link(int source, int target) const {
    return input_.links.size() == 1 ? input_.links[0] : input_.links[static_cast<size_t>(source) * ranks_ + target];
  }
  int64_t message_bytes(int micro_batch_class = 0) const {
    return input_.message_bytes.empty() ? 0 : input_.message_bytes[micro_batch_class];
  }
  // How long one message of the class occupies the link; 0 where the link has no rate.
  int64_t occupancy_ns(const LinkCost& link, int micro_batch_class) const;
  // True where no message ever occupies a link.
  bool latency_only() const;
  // Fails where a step of `slots` slots could last longer than int64 holds, with room for sums.
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
// kept, gradients above all: then an I whose W runs apart takes memory. Where both are one B, nothing of that shows.
struct ActivationSize {
  int64_t total = 0;
  int64_t kept_for_weight = 0;

  // What an I takes at its end: what its W needs beyond `total`.
  int64_t growth() const { return kept_for_weight > total ? kept_for_weight - total : 0; }
  bool operator==(const ActivationSize&) const = default;
};

}  // namespace pipeloom
