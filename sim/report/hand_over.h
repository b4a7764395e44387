#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/costs/costs.h"
#include "core/job/job.h"
#include "core/schedule/batches.h"
#include "core/schedule/messages.h"
#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"

namespace pipeloom::sim {

// What decided when a slot started, if it was not the slot before it on its lane.
struct Binding {
  HandOver hand_over;
  int64_t need_ns = 0;     // the slot starts this much before the arrival
  uint32_t last_slot = 0;  // the slot whose end let the hand-over begin
};

// Looks up hand-overs of one simulated schedule. Keeps references: the arguments must outlive it.
class HandOvers {
 public:
  HandOvers(const Schedule& schedule, const ScheduleCosts& costs, const MessageTable& messages,
            const Timeline& timeline, P2pMode mode);

  // Returns the hand-over of the slot's input in `direction`; nothing if it has none.
  std::optional<HandOver> input(uint32_t slot, Direction direction) const;
  // Returns the last hand-over that `slot` waited for; nothing if it waited for none.
  std::optional<Binding> binding(uint32_t slot, int rank) const;
  // Returns how long after its start `slot` needs its input in `direction`.
  int64_t need_ns(uint32_t slot, Direction direction) const;

 private:
  HandOver of_message(uint32_t message) const;
  HandOver by_latency(uint32_t producer, uint32_t consumer, Direction direction) const;
  std::optional<Binding> async_binding(uint32_t slot, int rank) const;
  std::optional<Binding> blocking_binding(uint32_t slot, int rank) const;
  uint32_t later_committer(uint32_t message, int rank, uint32_t slot, const HandOver& hand_over) const;
  std::optional<uint32_t> slot_ending_at(int rank, int64_t time_ns) const;

  const Schedule& schedule_;
  const ScheduleCosts& costs_;
  const MessageTable& messages_;
  const Timeline& timeline_;
  std::vector<uint32_t> simulated_;  // [message] index into Timeline::hand_overs; empty if that is empty
  std::optional<Batches> batches_;   // blocking only
};

}  // namespace pipeloom::sim
