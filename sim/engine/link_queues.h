#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <tuple>
#include <vector>

#include "core/costs/costs.h"
#include "core/schedule/messages.h"
#include "core/schedule/schedule.h"

namespace pipeloom::sim {

// The directed links between ranks over time. A message that is admitted starts when its link is free, occupies it for
// bytes / bandwidth, and arrives one latency later. Messages that wait for one link go in the order in which they were
// admitted; ties go to the lower queue, then to the earlier message of the queue. Discrete events, deterministic.
class Links {
 public:
  struct Departure {
    uint32_t message = 0;
    int64_t admitted_ns = 0;
    int64_t start_ns = 0;
    int64_t arrival_ns = 0;
  };

  Links(const Schedule& schedule, const ScheduleCosts& costs, const MessageTable& messages);

  // Lets a message use its link from `time_ns` on, or from the last departure on if that is later.
  void admit(uint32_t message, int64_t time_ns);
  // Returns the next message that starts; nothing if none is left. Admit everything that follows from it before asking
  // again.
  std::optional<Departure> next();

 private:
  struct Event {
    int64_t time_ns;
    int32_t link;
    bool link_free;    // else an admission. At the same time admissions come first
    uint32_t message;  // admissions only
    bool operator>(const Event& other) const {
      return std::tie(time_ns, link_free, message, link) >
             std::tie(other.time_ns, other.link_free, other.message, other.link);
    }
  };
  struct Waiting {
    int64_t admitted_ns;
    uint32_t message;
    bool operator>(const Waiting& other) const {
      return admitted_ns != other.admitted_ns ? admitted_ns > other.admitted_ns : message > other.message;
    }
  };
  template <typename T>
  using MinHeap = std::priority_queue<T, std::vector<T>, std::greater<T>>;
  struct Link {
    LinkCost cost;
    int64_t free_ns = 0;
    MinHeap<Waiting> waiting;
  };

  Departure depart(Link& link, int32_t number);

  const MessageTable& messages_;
  std::vector<int32_t> link_of_queue_;
  std::vector<Link> links_;
  std::vector<int64_t> occupancy_ns_;  // [message]
  MinHeap<Event> events_;
  int64_t now_ns_ = 0;
};

}  // namespace pipeloom::sim
