#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pipeloom::sim {

// The kernel that an all-to-all launches. The backward of a combine is a dispatch kernel, and the reverse.
enum class AllToAllKernel : uint8_t { kDispatch = 0, kCombine = 1 };

// One component of a slot. Each lane runs its components one after the other, in issue order.
struct SlotTask {
  bool communication = false;  // true: on the all-to-all lane; false: on the compute lane
  AllToAllKernel kernel = AllToAllKernel::kDispatch;
  int32_t after = -1;  // earlier task that it also waits for; -1: none
  int64_t alone_ns = 0;
  int64_t beside_ns[2] = {0, 0};  // [AllToAllKernel] if that kernel ran beside it all the time; at least alone_ns
};

struct SlotTaskTimes {
  std::vector<int64_t> start_ns;  // [task]
  std::vector<int64_t> end_ns;
  int64_t duration_ns = 0;
  int64_t overlapped_ns = 0;  // while both lanes are busy
};

// Returns when each component of a slot runs, if the rate of compute depends on what communicates beside it. Event
// driven and exact: same input, same times. O(tasks). REQUIRES: `after` is an earlier task.
SlotTaskTimes simulate_slot(std::span<const SlotTask> tasks);

}  // namespace pipeloom::sim
