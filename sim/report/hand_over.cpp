#include "sim/report/hand_over.h"

#include <algorithm>

#include "core/costs/slot_times.h"

namespace pipeloom::sim {

HandOvers::HandOvers(const Schedule& schedule, const ScheduleCosts& costs, const MessageTable& messages,
                     const Timeline& timeline, P2pMode mode)
    : schedule_(schedule), costs_(costs), messages_(messages), timeline_(timeline) {
  if (mode == P2pMode::kBlocking) batches_.emplace(schedule, messages);
  if (timeline.hand_overs.empty()) return;
  simulated_.resize(messages.messages().size());
  for (uint32_t i = 0; i < timeline.hand_overs.size(); ++i) {
    const HandOver& hand_over = timeline.hand_overs[i];
    const Direction direction = schedule.placement().queues()[hand_over.queue].direction;
    simulated_[messages.output(hand_over.producer, direction)] = i;
  }
}

int64_t HandOvers::need_ns(uint32_t slot, Direction direction) const {
  if (batches_) return 0;
  return slot_times(costs_, schedule_.slots()[slot]).need_ns[static_cast<size_t>(direction)];
}

std::optional<HandOver> HandOvers::input(uint32_t slot, Direction direction) const {
  const uint32_t producer = messages_.producer(slot, direction);
  if (producer == MessageTable::kNone) return std::nullopt;
  const uint32_t message = messages_.input(slot, direction);
  if (message != MessageTable::kNone && !simulated_.empty()) return of_message(message);
  return by_latency(producer, slot, direction);
}

HandOver HandOvers::of_message(uint32_t message) const {
  return timeline_.hand_overs[simulated_[message]];
}

HandOver HandOvers::by_latency(uint32_t producer, uint32_t consumer, Direction direction) const {
  const SlotTimes times = slot_times(costs_, schedule_.slots()[producer]);
  const int64_t ready_ns = timeline_.start_ns[producer] + times.ready_ns[static_cast<size_t>(direction)];
  const uint32_t message = messages_.input(consumer, direction);
  if (message == MessageTable::kNone) return {-1, producer, consumer, ready_ns, ready_ns, ready_ns, ready_ns};
  const int32_t number = messages_.messages()[message].queue;
  const Placement::Queue& queue = schedule_.placement().queues()[number];
  const int64_t arrival_ns = ready_ns + costs_.link(queue.source, queue.target).latency_ns;
  return {number, producer, consumer, ready_ns, ready_ns, ready_ns, arrival_ns};
}

std::optional<Binding> HandOvers::binding(uint32_t slot, int rank) const {
  return batches_ ? blocking_binding(slot, rank) : async_binding(slot, rank);
}

std::optional<Binding> HandOvers::async_binding(uint32_t slot, int rank) const {
  std::optional<Binding> last;
  for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
    const auto hand_over = input(slot, direction);
    if (!hand_over) continue;
    const int64_t need = need_ns(slot, direction);
    if (!last || hand_over->arrival_ns - need > last->hand_over.arrival_ns - last->need_ns) {
      last = Binding{*hand_over, need, hand_over->producer};
      // A send that waited for a receive buffer waited for the slot of this rank that freed it.
      if (hand_over->admitted_ns > hand_over->ready_ns) {
        last->last_slot = slot_ending_at(rank, hand_over->admitted_ns).value_or(hand_over->producer);
      }
    }
  }
  return last;
}

std::optional<Binding> HandOvers::blocking_binding(uint32_t slot, int rank) const {
  std::optional<Binding> last;
  for (const uint32_t message : batches_->messages(rank, slot - schedule_.first_slot(rank))) {
    const HandOver hand_over = of_message(message);
    if (last && hand_over.arrival_ns <= last->hand_over.arrival_ns) continue;
    last = Binding{hand_over, 0, later_committer(message, rank, slot, hand_over)};
  }
  return last;
}

// Returns the slot after which the later of a message's two ranks committed it. The message was admitted then.
uint32_t HandOvers::later_committer(uint32_t message, int rank, uint32_t slot, const HandOver& hand_over) const {
  const bool own = slot > schedule_.first_slot(rank) && timeline_.end_ns[slot - 1] == hand_over.admitted_ns;
  if (own) return slot - 1;
  const Placement::Queue& queue = schedule_.placement().queues()[messages_.messages()[message].queue];
  const int other = queue.source == rank ? queue.target : queue.source;
  return slot_ending_at(other, hand_over.admitted_ns).value_or(hand_over.producer);
}

std::optional<uint32_t> HandOvers::slot_ending_at(int rank, int64_t time_ns) const {
  const auto begin = timeline_.end_ns.begin() + schedule_.first_slot(rank);
  const auto after = std::upper_bound(begin, timeline_.end_ns.begin() + schedule_.first_slot(rank + 1), time_ns);
  if (after == begin || *(after - 1) != time_ns) return std::nullopt;
  return static_cast<uint32_t>(after - 1 - timeline_.end_ns.begin());
}

}  // namespace pipeloom::sim
