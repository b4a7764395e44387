#include "core/schedule/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace pipeloom {

namespace {

// Bits of the passes of a (stage, micro-batch) seen so far.
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
      for (size_t i = 0; i < slots.size(); ++i) {
        if (!visit(rank, slots[i])) return invalid(where(rank, i, slots[i]) + ": " + problem_);
      }
    }
    const auto missing = std::ranges::find_if(seen_, [](uint8_t seen) { return seen != kAllDone; });
    if (missing != seen_.end()) return report_missing(missing - seen_.begin());
    return {};
  }

 private:
  static constexpr uint8_t kAllDone = kForwardDone | kInputDone | kWeightDone;

  bool visit(int rank, const Slot& slot) {
    if (slot.is_pair() && slot.micro_batch == slot.backward_micro_batch) {
      return refuse("a pair can't overlap two passes of one micro-batch");
    }
    if (slot.has_forward() && !mark(rank, slot.stage, slot.micro_batch, kForwardDone, 0)) return false;
    if (slot.kind == SlotKind::kF) return true;
    const int done = (slot.has_input_backward() ? kInputDone : 0) | (slot.has_weight_backward() ? kWeightDone : 0);
    const int needed = slot.has_input_backward() ? kForwardDone : kInputDone;
    return mark(rank, slot.backward_pass_stage(), slot.backward_pass_micro_batch(), done, needed);
  }

  bool mark(int rank, int stage, int micro_batch, int done, int needed) {
    if (micro_batch < 0 || micro_batch >= schedule_.micro_batches()) {
      return refuse(fmt::format("micro-batch {} does not exist; allowed are 0 to {}", micro_batch,
                                schedule_.micro_batches() - 1));
    }
    if (stage >= schedule_.stages()) {
      return refuse(fmt::format("stage {} does not exist; allowed are 0 to {}", stage, schedule_.stages() - 1));
    }
    const int pipe = schedule_.pipe_of(micro_batch);
    if (const int holder = schedule_.placement().rank_of(pipe, stage); holder != rank) {
      return refuse(
          fmt::format("micro-batch {} is on pipe {}, whose stage {} is on rank {}", micro_batch, pipe, stage, holder));
    }
    uint8_t& seen = seen_[schedule_.cell(stage, micro_batch)];
    if (seen & done) {
      return refuse(fmt::format("{} is there twice", pass_name(first_pass(seen & done), micro_batch, stage)));
    }
    if ((seen & needed) != needed) {
      return refuse(fmt::format("{} comes before its {}", pass_name(first_pass(done), micro_batch, stage),
                                slot_kind_name(first_pass(needed))));
    }
    seen = static_cast<uint8_t>(seen | done);
    return true;
  }

  static SlotKind first_pass(int bits) {
    return bits & kForwardDone ? SlotKind::kF : bits & kInputDone ? SlotKind::kI : SlotKind::kW;
  }

  bool refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  Status report_missing(size_t cell) const {
    const int stage = static_cast<int>(cell / schedule_.micro_batches());
    const int micro_batch = static_cast<int>(cell % schedule_.micro_batches());
    const int rank = schedule_.placement().rank_of(schedule_.pipe_of(micro_batch), stage);
    return invalid(fmt::format("rank {}: {} is missing", rank,
                               pass_name(first_pass(kAllDone & ~seen_[cell]), micro_batch, stage)));
  }

  const Schedule& schedule_;
  std::vector<uint8_t> seen_;  // [cell]
  std::string problem_;
};

// What a slot takes from and gives to other slots in one direction.
struct Traffic {
  Direction direction;

  bool takes_part(const Slot& slot) const { return slot.hands_over(direction); }
  int stage(const Slot& slot) const { return slot.stage_of(direction); }
  int micro_batch(const Slot& slot) const { return slot.micro_batch_of(direction); }
  int next(int stage) const { return forward() ? stage + 1 : stage - 1; }
  int previous(int stage) const { return forward() ? stage - 1 : stage + 1; }
  SlotKind pass() const { return forward() ? SlotKind::kF : SlotKind::kI; }

 private:
  bool forward() const { return direction == Direction::kForward; }
};

constexpr Traffic kForward{Direction::kForward};
constexpr Traffic kBackward{Direction::kBackward};

// Runs the ranks in turn, each until it must wait, and numbers the messages of each queue as they are sent and taken.
// O(slots): a waiting rank is looked at again only when its input is there.
class OrderSweep {
 public:
  explicit OrderSweep(const Schedule& schedule)
      : schedule_(schedule),
        placement_(schedule.placement()),
        next_(schedule.ranks()),
        sent_(placement_.queues().size(), 0),
        taken_(placement_.queues().size(), 0) {
    const size_t cells = static_cast<size_t>(schedule.stages()) * schedule.micro_batches();
    for (auto& number : number_) number.assign(cells, kNotDone);
  }

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
    if (!queue_problem_.empty()) return invalid(queue_problem_);
    return std::move(order_);
  }

 private:
  static constexpr int32_t kNotDone = -1;

  // The pass that a slot still waits for.
  struct Wait {
    Traffic traffic;
    int stage = 0;
    int micro_batch = 0;
  };

  int32_t& number(const Traffic& traffic, int stage, int micro_batch) {
    return number_[static_cast<size_t>(traffic.direction)][schedule_.cell(stage, micro_batch)];
  }
  bool is_stage(int stage) const { return stage >= 0 && stage < schedule_.stages(); }

  bool waits(const Slot& slot, const Traffic& traffic) {
    if (!traffic.takes_part(slot)) return false;
    const int source = traffic.previous(traffic.stage(slot));
    return is_stage(source) && number(traffic, source, traffic.micro_batch(slot)) == kNotDone;
  }

  void advance(int rank) {
    const auto slots = schedule_.slots();
    const uint32_t end = schedule_.first_slot(rank + 1);
    uint32_t& next = next_[rank];
    for (; next < end; ++next) {
      const Slot& slot = slots[next];
      if (waits(slot, kForward) || waits(slot, kBackward)) return;
      order_.push_back(next);
      if (slot.has_forward()) execute(slot, kForward);
      if (slot.has_input_backward()) execute(slot, kBackward);
    }
  }

  void execute(const Slot& slot, const Traffic& traffic) {
    const int stage = traffic.stage(slot);
    const int micro_batch = traffic.micro_batch(slot);
    const int pipe = schedule_.pipe_of(micro_batch);
    const int source = traffic.previous(stage);
    if (is_stage(source)) {
      const int queue = placement_.queue_from(traffic.direction, pipe, source);
      if (queue >= 0 && number(traffic, source, micro_batch) != taken_[queue]++) {
        report_queue(queue, traffic, source, micro_batch);
      }
    }
    const int queue = placement_.queue_from(traffic.direction, pipe, stage);
    number(traffic, stage, micro_batch) = queue >= 0 ? sent_[queue]++ : 0;
    if (queue >= 0) wake(placement_.queues()[queue].target, traffic, traffic.next(stage), micro_batch);
  }

  void wake(int consumer, const Traffic& traffic, int stage, int micro_batch) {
    if (next_[consumer] == schedule_.first_slot(consumer + 1)) return;
    const Slot& slot = schedule_.slots()[next_[consumer]];
    if (traffic.takes_part(slot) && traffic.stage(slot) == stage && traffic.micro_batch(slot) == micro_batch) {
      runnable_.push_back(consumer);
    }
  }

  void report_queue(int queue, const Traffic& traffic, int stage, int micro_batch) {
    if (!queue_problem_.empty()) return;
    queue_problem_ =
        fmt::format("rank {} takes {} out of the order in which rank {} sends it", placement_.queues()[queue].target,
                    pass_name(traffic.pass(), micro_batch, stage), placement_.queues()[queue].source);
  }

  Wait wait_of(const Slot& slot) {
    const Traffic& traffic = waits(slot, kForward) ? kForward : kBackward;
    return {traffic, traffic.previous(traffic.stage(slot)), traffic.micro_batch(slot)};
  }

  // Follows from each stuck rank to the rank that it waits for, until a rank comes up again.
  std::string describe_cycle() {
    int rank = 0;
    while (next_[rank] == schedule_.first_slot(rank + 1)) ++rank;
    std::vector<int> path;
    while (std::find(path.begin(), path.end(), rank) == path.end()) {
      path.push_back(rank);
      rank = holder(wait_of(schedule_.slots()[next_[rank]]));
    }
    path.erase(path.begin(), std::find(path.begin(), path.end(), rank));
    std::string text = "deadlock: ";
    for (const int member : path) {
      const Slot& slot = schedule_.slots()[next_[member]];
      const Wait wait = wait_of(slot);
      text += fmt::format("rank {} in slot {} ({}) waits for {} on rank {}; ", member,
                          next_[member] - schedule_.first_slot(member), slot_label(slot),
                          pass_name(wait.traffic.pass(), wait.micro_batch, wait.stage), holder(wait));
    }
    text.resize(text.size() - 2);
    return text;
  }

  int holder(const Wait& wait) const { return placement_.rank_of(schedule_.pipe_of(wait.micro_batch), wait.stage); }

  const Schedule& schedule_;
  const Placement& placement_;
  std::vector<int32_t> number_[2];  // [direction][cell] message number on its queue; 0 if none is sent
  std::vector<uint32_t> next_;      // [rank] the first slot that has not run yet
  std::vector<int32_t> sent_;       // [queue]
  std::vector<int32_t> taken_;      // [queue]
  std::vector<int> runnable_;
  std::vector<uint32_t> order_;
  std::string queue_problem_;
};

}  // namespace

Status check_complete(const Schedule& schedule) {
  return CompletenessCheck(schedule).run();
}

Result<std::vector<uint32_t>> check_order(const Schedule& schedule) {
  return OrderSweep(schedule).run();
}

}  // namespace pipeloom
