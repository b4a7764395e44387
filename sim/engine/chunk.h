#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pipeloom {

// Which kernel an all-to-all launches: the backward of combine is a dispatch kernel, and the other way round.
enum class AllToAllKernel : uint8_t { kDispatch = 0, kCombine = 1 };

// One component of a chunk, in issue order: each lane runs its own in this order, one after the other.
struct ChunkTask {
  bool communication = false;  // on the all-to-all lane; else on the compute lane
  AllToAllKernel kernel = AllToAllKernel::kDispatch;
  int32_t after = -1;  // the earlier task that it waits for besides
  int64_t alone_ns = 0;
  int64_t beside_ns[2] = {0, 0};  // [AllToAllKernel] if that ran beside it all the time; at least alone_ns
};

struct ChunkTimes {
  std::vector<int64_t> start_ns;  // [task]
  std::vector<int64_t> end_ns;
  int64_t duration_ns = 0;
  int64_t overlapped_ns = 0;  // both lanes busy
};

// When each component of a chunk runs if the rate of compute depends on what communicates beside it. Event driven,
// exact: same input, same times. O(tasks). REQUIRES: `after` is an earlier task.
ChunkTimes simulate_chunk(std::span<const ChunkTask> tasks);

}  // namespace pipeloom
