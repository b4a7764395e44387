#include "sim/engine/link_queues.h"

#include <algorithm>
#include <map>

namespace pipeloom::sim {

Links::Links(const Schedule& schedule, const ScheduleCosts& costs, const MessageTable& messages) : messages_(messages) {
  std::map<std::pair<int, int>, int32_t> numbers;
  for (const Placement::Queue& queue : schedule.placement().queues()) {
    const auto [entry, added] = numbers.try_emplace({queue.source, queue.target}, static_cast<int32_t>(links_.size()));
    if (added) links_.push_back({costs.link(queue.source, queue.target), 0, {}});
    link_of_queue_.push_back(entry->second);
  }
  occupancy_ns_.reserve(messages.messages().size());
  for (const Message& message : messages.messages()) {
    const Slot& slot = schedule.slots()[message.producer];
    const int micro_batch = slot.micro_batch_of(schedule.placement().queues()[message.queue].direction);
    occupancy_ns_.push_back(
        costs.occupancy_ns(links_[link_of_queue_[message.queue]].cost, costs.class_of(micro_batch)));
  }
}

void Links::admit(uint32_t message, int64_t time_ns) {
  events_.push({std::max(time_ns, now_ns_), link_of_queue_[messages_.messages()[message].queue], false, message});
}

std::optional<Links::Departure> Links::next() {
  while (!events_.empty()) {
    const Event event = events_.top();
    events_.pop();
    now_ns_ = event.time_ns;
    Link& link = links_[event.link];
    if (!event.link_free) link.waiting.push({event.time_ns, event.message});
    if (!link.waiting.empty() && link.free_ns <= now_ns_) return depart(link, event.link);
  }
  return std::nullopt;
}

Links::Departure Links::depart(Link& link, int32_t number) {
  const Waiting first = link.waiting.top();
  link.waiting.pop();
  link.free_ns = now_ns_ + occupancy_ns_[first.message];
  if (link.free_ns > now_ns_ || !link.waiting.empty()) events_.push({link.free_ns, number, true, 0});
  return {first.message, first.admitted_ns, now_ns_, link.free_ns + link.cost.latency_ns};
}

}  // namespace pipeloom::sim
