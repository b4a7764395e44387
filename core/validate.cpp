#include "core/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace pipeloom {

namespace {

// What has been seen (in a rank's order) or executed (in the topological order) of a (stage, micro-batch).
constexpr uint8_t kForwardDone = 1;
constexpr uint8_t kInputDone = 2;
constexpr uint8_t kWeightDone = 4;

std::string where(int rank, size_t position, const Slot& slot) {
  return fmt::format("rank {}, slot {} ({})", rank, position, slot_label(slot));
}

class CompletenessCheck {
 public:
  explicit CompletenessCheck(const Schedule& schedule)
      : schedule_(schedule), seen_(static_cast<size_t>(schedule.stages()) * schedule.micro_batches(), 0) {}

  Status run() {
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
      const auto slots = schedule_.slots_of(rank);
      for (size_t i = 0; i < slots.size(); ++i) PIPELOOM_CHECK_OK(visit(rank, i, slots[i]));
    }
    for (int stage = 0; stage < schedule_.stages(); ++stage) {
      for (int m = 0; m < schedule_.micro_batches(); ++m) PIPELOOM_CHECK_OK(check_all_done(stage, m));
    }
    return {};
  }

 private:
  Status visit(int rank, size_t position, const Slot& slot) {
    if (slot.kind == SlotKind::kFB && slot.micro_batch == slot.backward_micro_batch) {
      return invalid(fmt::format("{}: a pair can't overlap two passes of one micro-batch", where(rank, position, slot)));
    }
    if (slot.has_forward()) {
      PIPELOOM_CHECK_OK(
          add(rank, position, slot, SlotKind::kF, slot.stage, slot.micro_batch, kForwardDone, uint8_t{0}));
    }
    if (slot.kind == SlotKind::kF) return {};
    const int stage = slot.backward_pass_stage();
    const int micro_batch = slot.backward_pass_micro_batch();
    if (slot.has_input_backward()) {
      PIPELOOM_CHECK_OK(add(rank, position, slot, SlotKind::kI, stage, micro_batch, kInputDone, kForwardDone));
    }
    if (slot.has_weight_backward()) {
      PIPELOOM_CHECK_OK(add(rank, position, slot, SlotKind::kW, stage, micro_batch, kWeightDone, kInputDone));
    }
    return {};
  }

  Status add(int rank, size_t position, const Slot& slot, SlotKind pass, int stage, int micro_batch, uint8_t bit,
             uint8_t required) {
    if (micro_batch < 0 || micro_batch >= schedule_.micro_batches()) {
      return invalid(fmt::format("{}: micro-batch {} does not exist; allowed are 0 to {}", where(rank, position, slot),
                                 micro_batch, schedule_.micro_batches() - 1));
    }
    if (stage >= schedule_.stages()) {
      return invalid(fmt::format("{}: stage {} does not exist; allowed are 0 to {}", where(rank, position, slot), stage,
                                 schedule_.stages() - 1));
    }
    const int pipe = schedule_.pipe_of(micro_batch);
    if (const int holder = schedule_.placement().rank_of(pipe, stage); holder != rank) {
      return invalid(fmt::format("{}: micro-batch {} is on pipe {}, whose stage {} is on rank {}",
                                 where(rank, position, slot), micro_batch, pipe, stage, holder));
    }
    uint8_t& seen = seen_[schedule_.cell(stage, micro_batch)];
    if (seen & bit) {
      return invalid(fmt::format("{}: {} is there twice", where(rank, position, slot),
                                 pass_name(pass, micro_batch, stage)));
    }
    if ((seen & required) != required) {
      return invalid(fmt::format("{}: {} comes before its {}", where(rank, position, slot),
                                 pass_name(pass, micro_batch, stage), required == kForwardDone ? "F" : "I"));
    }
    seen |= bit;
    return {};
  }

  Status check_all_done(int stage, int micro_batch) const {
    const uint8_t seen = seen_[schedule_.cell(stage, micro_batch)];
    if (seen == (kForwardDone | kInputDone | kWeightDone)) return {};
    const SlotKind missing = !(seen & kForwardDone) ? SlotKind::kF : !(seen & kInputDone) ? SlotKind::kI : SlotKind::kW;
    const int pipe = schedule_.pipe_of(micro_batch);
    return invalid(fmt::format("rank {}: {} is missing", schedule_.placement().rank_of(pipe, stage),
                               pass_name(missing, micro_batch, stage)));
  }

  const Schedule& schedule_;
  std::vector<uint8_t> seen_;
};

// Runs the ranks in turn, each until it must wait. O(slots): a waiting rank is looked at again only when the rank that
// it waits for has moved on.
class OrderSweep {
 public:
  explicit OrderSweep(const Schedule& schedule)
      : schedule_(schedule),
        placement_(schedule.placement()),
        done_(static_cast<size_t>(schedule.stages()) * schedule.micro_batches(), 0),
        next_(schedule.ranks()) {}

  Result<std::vector<uint32_t>> run() {
    order_.reserve(schedule_.slots().size());
    for (int rank = 0; rank < schedule_.ranks(); ++rank) next_[rank] = schedule_.first_slot(rank);
    for (int rank = schedule_.ranks() - 1; rank >= 0; --rank) runnable_.push_back(rank);
    while (!runnable_.empty()) {
      const int rank = runnable_.back();
      runnable_.pop_back();
      advance(rank);
    }
    if (order_.size() != schedule_.slots().size()) return fail(ErrorCode::kDeadlock, describe_cycle());
    return std::move(order_);
  }

 private:
  // The pass that `slot` still waits for; kind W means none.
  struct Wait {
    SlotKind kind = SlotKind::kW;
    int stage = 0;
    int micro_batch = 0;
  };

  Wait waits_for(const Slot& slot) const {
    if (slot.has_forward() && slot.stage > 0 &&
        !(done_[schedule_.cell(slot.stage - 1, slot.micro_batch)] & kForwardDone)) {
      return {SlotKind::kF, slot.stage - 1, slot.micro_batch};
    }
    if (slot.has_input_backward()) {
      const int stage = slot.backward_pass_stage();
      const int micro_batch = slot.backward_pass_micro_batch();
      if (stage + 1 < schedule_.stages() && !(done_[schedule_.cell(stage + 1, micro_batch)] & kInputDone)) {
        return {SlotKind::kI, stage + 1, micro_batch};
      }
    }
    return {};
  }

  void advance(int rank) {
    const auto slots = schedule_.slots();
    const uint32_t end = schedule_.first_slot(rank + 1);
    uint32_t& next = next_[rank];
    for (; next < end; ++next) {
      const Slot& slot = slots[next];
      if (waits_for(slot).kind != SlotKind::kW) return;
      order_.push_back(next);
      if (slot.has_forward()) finish(rank, kForwardDone, slot.stage, slot.micro_batch, +1);
      if (slot.has_input_backward()) {
        finish(rank, kInputDone, slot.backward_pass_stage(), slot.backward_pass_micro_batch(), -1);
      }
    }
  }

  void finish(int rank, uint8_t bit, int stage, int micro_batch, int step) {
    done_[schedule_.cell(stage, micro_batch)] |= bit;
    const int consumer_stage = stage + step;
    if (consumer_stage < 0 || consumer_stage >= schedule_.stages()) return;
    const int consumer = placement_.rank_of(schedule_.pipe_of(micro_batch), consumer_stage);
    if (consumer == rank || next_[consumer] == schedule_.first_slot(consumer + 1)) return;
    const Slot& waiting = schedule_.slots()[next_[consumer]];
    const bool wanted = step > 0
                            ? waiting.has_forward() && waiting.micro_batch == micro_batch &&
                                  waiting.stage == consumer_stage
                            : waiting.has_input_backward() && waiting.backward_pass_micro_batch() == micro_batch &&
                                  waiting.backward_pass_stage() == consumer_stage;
    if (wanted) runnable_.push_back(consumer);
  }

  // Each stuck rank waits for one pass of another: following them must come back to a rank already seen.
  std::string describe_cycle() const {
    int rank = 0;
    while (next_[rank] == schedule_.first_slot(rank + 1)) ++rank;
    std::vector<int> path;
    while (std::find(path.begin(), path.end(), rank) == path.end()) {
      path.push_back(rank);
      rank = holder(waits_for(schedule_.slots()[next_[rank]]));
    }
    path.erase(path.begin(), std::find(path.begin(), path.end(), rank));
    std::string text = "deadlock: ";
    for (const int member : path) {
      const Slot& slot = schedule_.slots()[next_[member]];
      const Wait wait = waits_for(slot);
      text += fmt::format("rank {} in slot {} ({}) waits for {} on rank {}; ", member,
                          next_[member] - schedule_.first_slot(member), slot_label(slot),
                          pass_name(wait.kind, wait.micro_batch, wait.stage), holder(wait));
    }
    text.resize(text.size() - 2);
    return text;
  }

  int holder(const Wait& wait) const { return placement_.rank_of(schedule_.pipe_of(wait.micro_batch), wait.stage); }

  const Schedule& schedule_;
  const Placement& placement_;
  std::vector<uint8_t> done_;
  std::vector<uint32_t> next_;  // [rank] the slot that the rank has not run yet
  std::vector<int> runnable_;
  std::vector<uint32_t> order_;
};

}  // namespace

Status check_complete(const Schedule& schedule) { return CompletenessCheck(schedule).run(); }

Result<std::vector<uint32_t>> find_topological_order(const Schedule& schedule) { return OrderSweep(schedule).run(); }

Status check_queue_order(const Schedule& schedule) {
  const Placement& placement = schedule.placement();
  const size_t queues = placement.queues().size();
  const size_t cells = static_cast<size_t>(schedule.stages()) * schedule.micro_batches();
  for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
    const bool forward = direction == Direction::kForward;
    std::vector<int32_t> number(cells, -1);  // of the message that (stage, micro-batch) sends, counted on its queue
    std::vector<int32_t> sent(queues, 0);
    std::vector<int32_t> received(queues, 0);
    const auto stage_of = [&](const Slot& slot) { return forward ? slot.stage : slot.backward_pass_stage(); };
    const auto micro_batch_of = [&](const Slot& slot) {
      return forward ? slot.micro_batch : slot.backward_pass_micro_batch();
    };
    const auto takes_part = [&](const Slot& slot) { return forward ? slot.has_forward() : slot.has_input_backward(); };

    for (const Slot& slot : schedule.slots()) {
      if (!takes_part(slot)) continue;
      const int m = micro_batch_of(slot);
      const int queue = placement.queue_from(direction, schedule.pipe_of(m), stage_of(slot));
      if (queue >= 0) number[schedule.cell(stage_of(slot), m)] = sent[queue]++;
    }
    for (int rank = 0; rank < schedule.ranks(); ++rank) {
      for (const Slot& slot : schedule.slots_of(rank)) {
        if (!takes_part(slot)) continue;
        const int m = micro_batch_of(slot);
        const int source_stage = stage_of(slot) + (forward ? -1 : 1);
        if (source_stage < 0 || source_stage >= schedule.stages()) continue;
        const int queue = placement.queue_from(direction, schedule.pipe_of(m), source_stage);
        if (queue < 0) continue;
        if (number[schedule.cell(source_stage, m)] != received[queue]++) {
          return invalid(fmt::format("rank {} takes {} out of the order in which rank {} sends it",
                                     placement.queues()[queue].target,
                                     pass_name(forward ? SlotKind::kF : SlotKind::kI, m, source_stage),
                                     placement.queues()[queue].source));
        }
      }
    }
  }
  return {};
}

}  // namespace pipeloom
