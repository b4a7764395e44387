#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pipeloom::sim {

// Which kernel an all-to-all launches: the backward of combine is a dispatch kernel, and the other way round.
enum class AllToAllKernel : uint8_t { kDispatch = 0, kCombine = 1 };

// One component of a slot, in issue order: each lane runs its own in this order, one after the other.
struct SlotTask {
  bool communication = false;  // on the all-to-all lane; else on the compute lane
  AllToAllKernel kernel = AllToAllKernel::kDispatch;
  int32_t after = -1;  // the earlier task that it waits for besides
  int64_t alone_ns = 0;
  int64_t beside_ns[2] = {0, 0};  // [AllToAllKernel] if that ran beside it all the time; at least alone_ns
};

struct SlotTaskTimes {
  std::vector<int64_t> start_ns;  // [task]
  std::vector<int64_t> end_ns;
  int64_t duration_ns = 0;
  int64_t overlapped_ns = 0;  // both lanes busy
};

// When each component of a slot runs if the rate of compute depends on what communicates beside it. Event driven,
// exact: same input, same times. O(tasks). REQUIRES: `after` is an earlier task.
SlotTaskTimes simulate_slot(std::span<const SlotTask> tasks);

}  // namespace pipeloom::sim
