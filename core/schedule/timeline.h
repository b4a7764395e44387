#pragma once

#include <cstdint>
#include <vector>

namespace pipeloom {

// An output on its way from one slot to another, as it happened. Times in ns.
struct HandOver {
  int32_t queue = -1;       // Placement::queues(); -1: both slots are on one rank
  uint32_t producer = 0;    // slot
  uint32_t consumer = 0;    // slot
  int64_t ready_ns = 0;     // the output was there
  int64_t admitted_ns = 0;  // a receive buffer was free (async) or both sides had posted (blocking)
  int64_t start_ns = 0;     // the link was free
  int64_t arrival_ns = 0;

  bool operator==(const HandOver&) const = default;
};

// When each slot of a schedule ran. Arrays are indexed by slot number; times in ns from the start of the step.
struct Timeline {
  std::vector<int64_t> start_ns;
  std::vector<int64_t> end_ns;
  int64_t makespan_ns = 0;
  // Filled where links are occupied, credits are limited or P2P blocks: in order of arrival, ties by queue.
  std::vector<HandOver> hand_overs;

  bool operator==(const Timeline&) const = default;
};

}  // namespace pipeloom
