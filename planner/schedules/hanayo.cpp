#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <optional>
#include <tuple>

#include "planner/schedules/placements.h"
#include "planner/schedules/schedules.h"

namespace pipeloom::planner {

namespace {

// The grid of equal passes. Micro-batch k of a round enters at slot 2k, goes down and up the ranks one stage a slot and
// comes back the same way. The passes of `ranks` micro-batches never collide, and rounds 2*stages apart fill every
// slot.
class WaveGrid {
 public:
  WaveGrid(int ranks, int stages, int micro_batches)
      : ranks_(ranks), stages_(stages), rest_(micro_batches > ranks ? micro_batches % ranks : 0) {}

  int64_t slot_of(const Slot& pass) const {
    // Micro-batches that don't fill a round join the first one, in which the pipeline still has room.
    const int round = std::max(0, pass.micro_batch - rest_) / ranks_;
    const int within = pass.micro_batch - (round == 0 ? 0 : rest_ + round * ranks_);
    const int way = pass.kind == SlotKind::kF ? pass.stage : 2 * stages_ - 1 - pass.stage;
    return int64_t{2} * stages_ * round + 2 * within + way;
  }

 private:
  int ranks_;
  int stages_;
  int rest_;
};

// Which arrived pass a rank takes first. Ties go by the grid.
enum class Preference { kOtherKind, kBackward, kNone };

// Simulates a list schedule that closes the gaps of the grid: backwards last twice as long as forwards, which shifts it
// apart. Each inbox is first in, first out, so the queues keep their order.
class WaveSimulation {
 public:
  WaveSimulation(const Placement& placement, int micro_batches, Preference preference)
      : placement_(placement),
        micro_batches_(micro_batches),
        preference_(preference),
        grid_(placement.ranks(), placement.stages(), micro_batches),
        ranks_(placement.ranks()) {
    const size_t passes_per_rank = size_t{2} * placement.chunks_per_rank() * micro_batches;
    for (Rank& rank : ranks_) rank.order.reserve(passes_per_rank);
    for (int m = 0; m < micro_batches; ++m) deliver(Slot::forward(0, m), -1);
  }

  struct Outcome {
    int64_t makespan = 0;
    RankOrders orders;
  };

  Outcome run() {
    int64_t now = 0;
    for (; returned_ < micro_batches_; ++now) {
      for (int rank = 0; rank < placement_.ranks(); ++rank) {
        if (ranks_[rank].running && ranks_[rank].ends_at == now) finish(rank);
      }
      for (int rank = 0; rank < placement_.ranks(); ++rank) {
        if (!ranks_[rank].running) start(rank, now);
      }
    }
    Outcome outcome{now - 1, {}};
    for (Rank& rank : ranks_) outcome.orders.push_back(std::move(rank.order));
    return outcome;
  }

 private:
  struct Rank {
    // [kind (F, B)][source] Sources are the rank before (for rank 0, the input), the rank itself, and the rank after.
    std::array<std::deque<Slot>, 6> inboxes;
    std::optional<Slot> running;
    int64_t ends_at = 0;
    std::vector<Slot> order;
  };

  void deliver(const Slot& pass, int source) {
    const int target = placement_.rank_of(0, pass.stage);
    const int kind = pass.kind == SlotKind::kF ? 0 : 1;
    ranks_[target].inboxes[3 * kind + source - target + 1].push_back(pass);
  }

  // Limits the micro-batches inside to twice what fills a pipeline: no rank waits for the input, and activations stay
  // below twice 1F1B's.
  bool may_enter() const { return entered_ - returned_ < 2 * placement_.ranks(); }

  bool is_input(const Slot& pass) const { return pass.kind == SlotKind::kF && pass.stage == 0; }

  bool is_preferred(const Slot& pass, const Rank& rank) const {
    if (preference_ == Preference::kNone) return true;
    const bool after_forward = !rank.order.empty() && rank.order.back().kind == SlotKind::kF;
    const bool wants_backward = preference_ == Preference::kBackward || after_forward;
    return (pass.kind == SlotKind::kB) == wants_backward;
  }

  void start(int number, int64_t now) {
    Rank& rank = ranks_[number];
    const auto urgency = [&](const Slot& pass) {
      return std::tuple(!is_preferred(pass, rank), grid_.slot_of(pass), pass.micro_batch);
    };
    std::deque<Slot>* best = nullptr;
    for (auto& inbox : rank.inboxes) {
      if (inbox.empty() || (is_input(inbox.front()) && !may_enter())) continue;
      if (best == nullptr || urgency(inbox.front()) < urgency(best->front())) best = &inbox;
    }
    if (best == nullptr) return;
    const Slot pass = best->front();
    best->pop_front();
    entered_ += is_input(pass);
    rank.order.push_back(pass);
    rank.running = pass;
    rank.ends_at = now + (pass.kind == SlotKind::kF ? 1 : 2);
  }

  void finish(int rank) {
    const Slot pass = *ranks_[rank].running;
    ranks_[rank].running.reset();
    const bool forward = pass.kind == SlotKind::kF;
    if (forward && pass.stage + 1 < placement_.stages()) {
      deliver(Slot::forward(pass.stage + 1, pass.micro_batch), rank);
    } else if (forward) {
      deliver(Slot::backward(pass.stage, pass.micro_batch), rank);
    } else if (pass.stage > 0) {
      deliver(Slot::backward(pass.stage - 1, pass.micro_batch), rank);
    } else {
      ++returned_;
    }
  }

  const Placement& placement_;
  const int micro_batches_;
  const Preference preference_;
  const WaveGrid grid_;
  std::vector<Rank> ranks_;
  int entered_ = 0;
  int returned_ = 0;
};

}  // namespace

// Our reading of Hanayo (SC23): Chimera's slots on one wave-like pipe, with one copy of the model. No preference is
// best for every size, so the shortest of three orders is taken.
Result<Schedule> hanayo(const PipelineShape& shape) {
  PIPELOOM_TRY(Placement placement, wave_placement(shape));
  WaveSimulation::Outcome best{std::numeric_limits<int64_t>::max(), {}};
  for (const Preference preference : {Preference::kOtherKind, Preference::kBackward, Preference::kNone}) {
    WaveSimulation::Outcome outcome = WaveSimulation(placement, shape.micro_batches, preference).run();
    if (outcome.makespan < best.makespan) best = std::move(outcome);
  }
  return Schedule::create(std::move(placement), shape.micro_batches, best.orders);
}

}  // namespace pipeloom::planner
