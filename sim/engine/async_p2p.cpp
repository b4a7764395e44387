#include "sim/engine/async_p2p.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/costs/slot_times.h"
#include "sim/engine/link_queues.h"

namespace pipeloom::sim {

namespace {

constexpr Direction kDirections[] = {Direction::kForward, Direction::kBackward};
constexpr int64_t kUnknown = INT64_MIN;

class AsyncSimulation {
 public:
  AsyncSimulation(const Schedule& schedule, const ScheduleCosts& costs, const MessageTable& messages, int depth)
      : schedule_(schedule),
        costs_(costs),
        messages_(messages),
        depth_(depth == 0 ? UINT32_MAX : static_cast<uint32_t>(depth)),
        links_(schedule, costs, messages),
        lane_free_ns_(schedule.ranks(), 0),
        ready_ns_(messages.messages().size(), kUnknown),
        credit_ns_(messages.messages().size(), kUnknown),
        arrival_ns_(messages.messages().size(), kUnknown) {
    timeline_.start_ns.resize(schedule.slots().size());
    timeline_.end_ns.resize(schedule.slots().size());
    for (int rank = 0; rank < schedule.ranks(); ++rank) next_.push_back(schedule.first_slot(rank));
    for (size_t queue = 0; queue < schedule.placement().queues().size(); ++queue) {
      const uint32_t begin = messages.first_of(static_cast<int>(queue));
      const uint32_t end = messages.first_of(static_cast<int>(queue) + 1);
      for (uint32_t message = begin; message < end && message - begin < depth_; ++message) credit_ns_[message] = 0;
    }
  }

  Timeline run() {
    for (int rank = 0; rank < schedule_.ranks(); ++rank) advance(rank);
    while (const auto departure = links_.next()) {
      const uint32_t number = departure->message;
      const Message& message = messages_.messages()[number];
      arrival_ns_[number] = departure->arrival_ns;
      timeline_.hand_overs.push_back({message.queue, message.producer, message.consumer, ready_ns_[number],
                                      departure->admitted_ns, departure->start_ns, departure->arrival_ns});
      advance(schedule_.placement().queues()[message.queue].target);
    }
    for (int rank = 0; rank < schedule_.ranks(); ++rank) {
      PIPELOOM_THROW_UNLESS(next_[rank] == schedule_.first_slot(rank + 1));
    }
    timeline_.makespan_ns = *std::max_element(lane_free_ns_.begin(), lane_free_ns_.end());
    return std::move(timeline_);
  }

 private:
  // Returns when the input arrives; kUnknown if it has not been sent yet.
  int64_t input_arrival(uint32_t slot, Direction direction) const {
    const uint32_t producer = messages_.producer(slot, direction);
    if (producer == MessageTable::kNone) return 0;
    const uint32_t message = messages_.input(slot, direction);
    if (message != MessageTable::kNone) return arrival_ns_[message];
    const SlotTimes times = slot_times(costs_, schedule_.slots()[producer]);
    return timeline_.start_ns[producer] + times.ready_ns[static_cast<size_t>(direction)];
  }

  // Runs the rank's next slots as far as their inputs are known.
  void advance(int rank) {
    for (; next_[rank] < schedule_.first_slot(rank + 1); ++next_[rank]) {
      const uint32_t slot = next_[rank];
      const SlotTimes times = slot_times(costs_, schedule_.slots()[slot]);
      int64_t start_ns = lane_free_ns_[rank];
      for (const Direction direction : kDirections) {
        const int64_t arrival_ns = input_arrival(slot, direction);
        if (arrival_ns == kUnknown) return;
        start_ns = std::max(start_ns, arrival_ns - times.need_ns[static_cast<size_t>(direction)]);
      }
      run_slot(rank, slot, times, start_ns);
    }
  }

  void run_slot(int rank, uint32_t slot, const SlotTimes& times, int64_t start_ns) {
    const int64_t end_ns = start_ns + times.duration_ns;
    timeline_.start_ns[slot] = start_ns;
    timeline_.end_ns[slot] = end_ns;
    lane_free_ns_[rank] = end_ns;
    for (const Direction direction : kDirections) {
      if (const uint32_t taken = messages_.input(slot, direction); taken != MessageTable::kNone) {
        return_credit(taken, end_ns);
      }
      if (const uint32_t sent = messages_.output(slot, direction); sent != MessageTable::kNone) {
        ready_ns_[sent] = start_ns + times.ready_ns[static_cast<size_t>(direction)];
        admit_if_possible(sent);
      }
    }
  }

  // Frees the buffer of `taken` for the message that is `depth` later on the queue.
  void return_credit(uint32_t taken, int64_t time_ns) {
    const int64_t next = int64_t{taken} + depth_;
    if (next >= messages_.first_of(messages_.messages()[taken].queue + 1)) return;
    credit_ns_[next] = time_ns;
    admit_if_possible(static_cast<uint32_t>(next));
  }

  void admit_if_possible(uint32_t message) {
    if (ready_ns_[message] == kUnknown || credit_ns_[message] == kUnknown) return;
    links_.admit(message, std::max(ready_ns_[message], credit_ns_[message]));
  }

  const Schedule& schedule_;
  const ScheduleCosts& costs_;
  const MessageTable& messages_;
  const uint32_t depth_;
  Links links_;
  Timeline timeline_;
  std::vector<uint32_t> next_;  // [rank]
  std::vector<int64_t> lane_free_ns_;
  std::vector<int64_t> ready_ns_;    // [message]
  std::vector<int64_t> credit_ns_;   // [message]
  std::vector<int64_t> arrival_ns_;  // [message]
};

}  // namespace

Timeline simulate_async(const Schedule& schedule, const ScheduleCosts& costs, const MessageTable& messages,
                        int receive_depth) {
  return AsyncSimulation(schedule, costs, messages, receive_depth).run();
}

}  // namespace pipeloom::sim
