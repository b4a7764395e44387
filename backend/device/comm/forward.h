#pragma once

#include <cstdint>

#include "backend/device/comm/warp_roles.h"
#include "backend/device/kernels/numbers.h"
#include "backend/device/kernels/stream.h"

namespace pipeloom::backend {

// All-to-all between nodes in one kernel: a token's row goes to each node once and is forwarded there to the node's
// ranks (DeepSeek-V3 report, arXiv 2412.19437, section 3.2.2; DeepEP's internode kernels). Nodes are groups of SMs of
// one GPU: what is measured is how warps that send, forward and receive share SMs, and how much of the memory they use.
// Blocks wait for each other through counters in memory; all are resident at once, or the launch fails.
struct ForwardShape {
  int nodes = 2;
  int ranks = 8;       // of a node
  int64_t tokens = 0;  // of a rank
  int64_t width = 0;   // BF16 numbers of a row; a multiple of 8
  int sms = 2;         // of a node: its blocks
  int streams = 4;     // in which a block handles its tokens; each is one warp's at a time
  int ring_rows = 8;   // rows that can be under way in one stream before the sender waits: a piece
  bool cache_hints = true;

  int64_t all_ranks() const { return int64_t{nodes} * ranks; }
  PIPELOOM_BOTH int64_t node_tokens() const { return ranks * tokens; }
  // Rings between nodes, and from forwarders to ranks.
  PIPELOOM_BOTH int64_t node_rings() const { return int64_t{nodes} * nodes * sms * streams; }
  PIPELOOM_BOTH int64_t rank_rings() const { return int64_t{nodes} * ranks * nodes * sms * streams; }
};

// What the kernel works with, on the GPU. Number of a token: (node * ranks + rank) * tokens + token of its source.
struct ForwardBuffers {
  const uint8_t* targets = nullptr;  // [token][rank of all] whether the token goes there
  unsigned char* rings = nullptr;    // ring_bytes()
  uint32_t* counters = nullptr;      // counters_size()
};
int64_t ring_bytes(const ForwardShape& shape);
int64_t counters_size(const ForwardShape& shape);

// `rows` [token][width] go to `received` [rank of all][token][width], where a token's row is written for the ranks that
// it goes to.
void forward_dispatch(const SmStream& stream, const ForwardShape& shape, const WarpRoles& roles,
                      const ForwardBuffers& buffers, const Bf16* rows, Bf16* received);
// The way back: `results` [rank of all][token][width] are summed up per node by its forwarders, in BF16 on the way
// between nodes, and by the receiver to `sums` [token][width].
void forward_combine(const SmStream& stream, const ForwardShape& shape, const WarpRoles& roles,
                     const ForwardBuffers& buffers, const Bf16* results, float* sums);

// Fails a check where the shape can't be run: a width that is no multiple of 8, or more work for one warp than it
// holds.
void check_forward(const ForwardShape& shape, const WarpRoles& roles);
inline constexpr int kMostForwardUnits = 32;  // pieces of work of a warp

// The rows that each role reads and writes, for divide_warps. `node_copies`: nodes that a token goes to on average;
// `rank_copies`: ranks. Pure.
RoleLoads dispatch_loads(double node_copies, double rank_copies);
RoleLoads combine_loads(double node_copies, double rank_copies);

}  // namespace pipeloom::backend
