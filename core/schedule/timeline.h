#pragma once

#include <cstdint>
#include <vector>

namespace pipeloom {

// An output on its way from one slot to another, as it happened. Times in ns.
struct HandOver {
  int32_t queue = -1;       // index into Placement::queues(); -1: both slots are on one rank
  uint32_t producer = 0;    // slot
  uint32_t consumer = 0;    // slot
  int64_t ready_ns = 0;     // when the output was ready
  int64_t admitted_ns = 0;  // when a receive buffer was free (asynchronous) or both ranks had committed (blocking)
  int64_t start_ns = 0;     // when the link was free
  int64_t arrival_ns = 0;

  bool operator==(const HandOver&) const = default;
};

// When each slot of a schedule ran. Arrays are indexed by slot number; times in ns from the start of the step.
struct Timeline {
  std::vector<int64_t> start_ns;
  std::vector<int64_t> end_ns;
  int64_t makespan_ns = 0;
  // Sorted by arrival, ties by queue. Empty unless links are occupied, receive buffers limited or P2P blocks.
  std::vector<HandOver> hand_overs;

  bool operator==(const Timeline&) const = default;
};

}  // namespace pipeloom
