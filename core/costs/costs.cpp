#include "core/costs/costs.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/units.h"

namespace pipeloom {

namespace {

Status check_duration(int64_t ns, const std::string& what) {
  if (ns < 0 || ns > ScheduleCosts::kMaxPassNs) {
    return invalid(fmt::format("{} takes {} ns; allowed are 0 to {}", what, ns, ScheduleCosts::kMaxPassNs));
  }
  return {};
}

Status check_offset(int64_t offset_ns, int64_t duration_ns, const std::string& what, const char* name) {
  if (offset_ns < 0 || offset_ns > duration_ns) {
    return invalid(
        fmt::format("{}: {} is {} ns; it must lie within the pass (0 to {})", what, name, offset_ns, duration_ns));
  }
  return {};
}

Status check_pass(const PassCost& pass, const std::string& what) {
  PIPELOOM_RETURN_IF_ERROR(check_duration(pass.duration_ns, what));
  PIPELOOM_RETURN_IF_ERROR(check_offset(pass.need_ns, pass.duration_ns, what, "need"));
  return check_offset(pass.ready_ns, pass.duration_ns, what, "ready");
}

Status check_stage(const StageCost& cost, int stage) {
  const std::string of_stage = fmt::format(" of stage {}", stage);
  PIPELOOM_RETURN_IF_ERROR(check_pass(cost.forward, "F" + of_stage));
  PIPELOOM_RETURN_IF_ERROR(check_pass(cost.input_backward, "I" + of_stage));
  PIPELOOM_RETURN_IF_ERROR(check_pass(cost.backward, "B" + of_stage));
  return check_duration(cost.weight_ns, "W" + of_stage);
}

Status check_pair(const PairCost& pair, const PassCost& forward, const PassCost& backward, const std::string& what) {
  PIPELOOM_RETURN_IF_ERROR(check_duration(pair.duration_ns, what));
  const int64_t least = std::max(forward.duration_ns, backward.duration_ns);
  if (pair.duration_ns < least) {
    return invalid(fmt::format("{} takes {} ns; a pair takes at least as long as the longer of its passes ({} ns)",
                               what, pair.duration_ns, least));
  }
  for (const auto& [offset, name] :
       {std::pair{pair.forward_need_ns, "forward need"}, std::pair{pair.forward_ready_ns, "forward ready"},
        std::pair{pair.backward_need_ns, "backward need"}, std::pair{pair.backward_ready_ns, "backward ready"}}) {
    PIPELOOM_RETURN_IF_ERROR(check_offset(offset, pair.duration_ns, what, name));
  }
  return {};
}

// Checks the pairs of F with B (`backward` is StageCost::backward) or of F with I (StageCost::input_backward).
class PairCheck {
 public:
  PairCheck(const ScheduleCosts::Input& input, int stages, PassCost StageCost::*backward)
      : input_(input),
        stages_(static_cast<size_t>(stages)),
        backward_(backward),
        with_input_(backward == &StageCost::input_backward),
        pairs_(with_input_ ? input.input_pairs : input.pairs) {}

  Status run() const {
    if (pairs_.empty()) return {};
    if (input_.classes != 1) return invalid("pair costs are given for micro-batches of several classes");
    if (pairs_.size() == 1) return check_one_for_all();
    if (pairs_.size() != stages_ * stages_) {
      return invalid(fmt::format("{} pair costs are given; {} stages need {}, or one for all", pairs_.size(), stages_,
                                 stages_ * stages_));
    }
    for (size_t f = 0; f < stages_; ++f) {
      for (size_t b = 0; b < stages_; ++b) {
        const std::string what =
            fmt::format("the pair of F of stage {} and {} of stage {}", f, with_input_ ? "I" : "B", b);
        PIPELOOM_RETURN_IF_ERROR(
            check_pair(pairs_[f * stages_ + b], input_.stages[f].forward, input_.stages[b].*backward_, what));
      }
    }
    return {};
  }

 private:
  // One cost for all pairs must cover the longest F and the longest backward.
  Status check_one_for_all() const {
    PassCost forward;
    PassCost backward;
    for (const StageCost& stage : input_.stages) {
      forward.duration_ns = std::max(forward.duration_ns, stage.forward.duration_ns);
      backward.duration_ns = std::max(backward.duration_ns, (stage.*backward_).duration_ns);
    }
    return check_pair(pairs_[0], forward, backward, with_input_ ? "a pair of F and I" : "a pair");
  }

  const ScheduleCosts::Input& input_;
  size_t stages_;
  PassCost StageCost::*backward_;
  bool with_input_;
  const std::vector<PairCost>& pairs_;
};

Status check_link(const LinkCost& link) {
  if (link.latency_ns < 0 || link.latency_ns > ScheduleCosts::kMaxPassNs) {
    return invalid(
        fmt::format("link latency is {} ns; allowed are 0 to {}", link.latency_ns, ScheduleCosts::kMaxPassNs));
  }
  if (link.bytes_per_s < 0) {
    return invalid(
        fmt::format("link bandwidth is {} bytes/s; allowed are 0 (never occupied) and more", link.bytes_per_s));
  }
  return {};
}

}  // namespace

Result<ScheduleCosts> ScheduleCosts::create(int stages, int ranks, Input input) {
  if (input.classes < 1 || input.classes > 256) {
    return invalid(fmt::format("micro-batch classes is {}; allowed are 1 to 256", input.classes));
  }
  if (input.stages.size() != static_cast<size_t>(stages) * input.classes) {
    return invalid(fmt::format("costs are given for {} stages; the schedule has {} stages in {} classes",
                               input.stages.size(), stages, input.classes));
  }
  for (size_t i = 0; i < input.stages.size(); ++i) {
    PIPELOOM_RETURN_IF_ERROR(check_stage(input.stages[i], static_cast<int>(i) % stages));
  }
  for (const uint8_t micro_batch_class : input.class_of_micro_batch) {
    if (micro_batch_class >= input.classes) {
      return invalid(fmt::format("a micro-batch is of class {}; there are {}", micro_batch_class, input.classes));
    }
  }
  PIPELOOM_RETURN_IF_ERROR(PairCheck(input, stages, &StageCost::backward).run());
  PIPELOOM_RETURN_IF_ERROR(PairCheck(input, stages, &StageCost::input_backward).run());
  if (input.links.size() != 1 && input.links.size() != static_cast<size_t>(ranks) * ranks) {
    return invalid(fmt::format("{} links are given; allowed are one for all or one per pair of ranks ({})",
                               input.links.size(), static_cast<size_t>(ranks) * ranks));
  }
  for (const LinkCost& link : input.links) PIPELOOM_RETURN_IF_ERROR(check_link(link));
  if (!input.message_bytes.empty() && static_cast<int>(input.message_bytes.size()) != input.classes) {
    return invalid(
        fmt::format("message sizes are given for {} classes; there are {}", input.message_bytes.size(), input.classes));
  }
  for (const int64_t bytes : input.message_bytes) {
    if (bytes < 0 || bytes > (int64_t{1} << 50)) {
      return invalid(fmt::format("a message has {} bytes; allowed are 0 to 2^50", bytes));
    }
  }
  ScheduleCosts costs(stages, ranks, std::move(input));
  for (const LinkCost& link : costs.input_.links) {
    for (int c = 0; c < costs.classes(); ++c) {
      PIPELOOM_RETURN_IF_ERROR(check_duration(costs.occupancy_ns(link, c), "sending one message"));
    }
  }
  return costs;
}

Result<ScheduleCosts> ScheduleCosts::uniform(int stages, int ranks, const StageCost& stage, const LinkCost& link) {
  Input input;
  input.stages.assign(stages, stage);
  input.links = {link};
  return create(stages, ranks, std::move(input));
}

PairCost ScheduleCosts::pair(int forward_stage, int backward_stage, int forward_class, int backward_class,
                             SlotKind kind) const {
  const std::vector<PairCost>& pairs = pairs_of(kind);
  if (pairs.size() == 1) return pairs[0];
  if (!pairs.empty()) return pairs[static_cast<size_t>(forward_stage) * stages_ + backward_stage];
  // Without a measured overlap, the backward follows F.
  const PassCost& forward = stage(forward_stage, forward_class).forward;
  const StageCost& backward_stage_cost = stage(backward_stage, backward_class);
  const PassCost& backward = kind == SlotKind::kFI ? backward_stage_cost.input_backward : backward_stage_cost.backward;
  const int64_t duration = forward.duration_ns + backward.duration_ns;
  return {duration, forward.need_ns, duration, 0, duration};
}

int64_t ScheduleCosts::occupancy_ns(const LinkCost& link, int micro_batch_class) const {
  if (link.bytes_per_s == 0) return 0;
  const int128_t ns = int128_t{message_bytes(micro_batch_class)} * 1'000'000'000;
  const int128_t rounded_up = (ns + link.bytes_per_s - 1) / link.bytes_per_s;
  return static_cast<int64_t>(std::min<int128_t>(rounded_up, INT64_MAX));
}

bool ScheduleCosts::latency_only() const {
  const bool rates =
      std::any_of(input_.links.begin(), input_.links.end(), [](const LinkCost& link) { return link.bytes_per_s > 0; });
  const bool bytes =
      std::any_of(input_.message_bytes.begin(), input_.message_bytes.end(), [](int64_t size) { return size > 0; });
  return !(rates && bytes);
}

Status ScheduleCosts::check_step_of(int64_t slots) const {
  int64_t longest = 0;
  for (const StageCost& cost : input_.stages) {
    longest = std::max({longest, cost.forward.duration_ns + cost.backward.duration_ns, cost.input_backward.duration_ns,
                        cost.weight_ns});
  }
  for (const auto* pairs : {&input_.pairs, &input_.input_pairs}) {
    for (const PairCost& pair : *pairs) longest = std::max(longest, pair.duration_ns);
  }
  int64_t longest_hop = 0;
  for (const LinkCost& link : input_.links) {
    for (int c = 0; c < classes(); ++c) longest_hop = std::max(longest_hop, link.latency_ns + occupancy_ns(link, c));
  }
  if (int128_t{longest + longest_hop} * (slots + 1) <= INT64_MAX / 4) return {};
  return invalid(
      fmt::format("the step could last longer than 73 years ({} slots of up to {} ns)", slots, longest + longest_hop));
}

}  // namespace pipeloom
