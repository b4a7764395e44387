#include "backend/cuda/comm/access.cuh"
#include "backend/cuda/kernels/numbers.cuh"
#include "backend/cuda/kernels/reduce.cuh"
#include "backend/device/comm/forward.h"

namespace pipeloom::backend {

namespace {

constexpr int kMostThreads = 32 * kWarp;

// One writer, one reader; counters only grow.
struct Ring {
  unsigned char* rows;
  uint32_t* written;
  uint32_t* read;
};

// The place of a block and what it needs to find rings.
struct Place {
  const ForwardShape& shape;
  const ForwardBuffers& buffers;
  int node;
  int sm;  // of the node

  // Of what goes from one node to another.
  __device__ Ring between_nodes(int from, int to, int stream) const {
    return ring(((int64_t{from} * shape.nodes + to) * shape.sms + sm) * shape.streams + stream);
  }
  // Between the forwarders of `at` and one of its ranks, for the tokens of `source`.
  __device__ Ring within_node(int at, int rank, int source, int stream) const {
    const int64_t number = ((int64_t{at} * shape.ranks + rank) * shape.nodes + source) * shape.sms + sm;
    return ring(shape.node_rings() + number * shape.streams + stream);
  }
  __device__ Ring ring(int64_t number) const {
    const int64_t row_bytes = shape.width * 2;
    uint32_t* counters = buffers.counters + 2 * number;
    return {buffers.rings + number * shape.ring_rows * row_bytes, counters, counters + 1};
  }
  __device__ unsigned char* slot(const Ring& ring, uint32_t number) const {
    return ring.rows + number % static_cast<uint32_t>(shape.ring_rows) * shape.width * 2;
  }
  // Number i of the tokens of a node that a stream of this block handles; -1: there are no more.
  __device__ int64_t token(int of_node, int stream, int64_t i) const {
    const int64_t place = (i * shape.sms + sm) * shape.streams + stream;
    return place < shape.node_tokens() ? of_node * shape.node_tokens() + place : -1;
  }
  __device__ bool goes_to_rank(int64_t token, int to_node, int rank) const {
    return buffers.targets[token * shape.nodes * shape.ranks + to_node * shape.ranks + rank] != 0;
  }
  __device__ bool goes_to_node(int64_t token, int to_node) const {
    for (int rank = 0; rank < shape.ranks; ++rank) {
      if (goes_to_rank(token, to_node, rank)) return true;
    }
    return false;
  }
};

// Whether a row can be written or read; all lanes see the same.
__device__ inline bool has_space(const ForwardShape& shape, const Ring& ring, uint32_t written) {
  const uint32_t read = __shfl_sync(kWholeWarp, load_acquire(ring.read), 0);
  return written - read < static_cast<uint32_t>(shape.ring_rows);
}
__device__ inline bool has_row(const Ring& ring, uint32_t read) {
  return __shfl_sync(kWholeWarp, load_acquire(ring.written), 0) != read;
}
// After all lanes have written, or read.
__device__ inline void tell(uint32_t* counter, uint32_t count, int lane) {
  __syncwarp();
  if (lane == 0) store_release(counter, count);
  __syncwarp();
}
// Counters that only this warp changes.
__device__ inline uint32_t own_count(const uint32_t* counter) {
  return __shfl_sync(kWholeWarp, load_acquire(counter), 0);
}

template <CacheHints kHints>
__device__ inline void copy_row(const ForwardShape& shape, const void* from, void* to, int lane) {
  for (int64_t at = lane * 16; at < shape.width * 2; at += kWarp * 16) {
    store16<kHints>(static_cast<unsigned char*>(to) + at, load16<kHints>(static_cast<const unsigned char*>(from) + at));
  }
}

struct ForwardedSums {
  float numbers[8];

  __device__ void add(const Bytes16& row) {
    for (int i = 0; i < 4; ++i) {
      numbers[2 * i] += to_float(Bf16{static_cast<uint16_t>(row.words[i] & 0xffff)});
      numbers[2 * i + 1] += to_float(Bf16{static_cast<uint16_t>(row.words[i] >> 16)});
    }
  }
  __device__ Bytes16 rounded() const {
    Bytes16 row;
    for (int i = 0; i < 4; ++i) {
      row.words[i] = to_bf16(numbers[2 * i]).bits | static_cast<uint32_t>(to_bf16(numbers[2 * i + 1]).bits) << 16;
    }
    return row;
  }
};

// Calls step(unit, token) of every unit in turn until all are through with their tokens. A step that can't be done yet
// returns false and is tried again. `source(unit)` says which node's tokens it is about.
template <typename Source, typename Step>
__device__ void run_units(const Place& place, int units, int warp, int warps, const Source& source, const Step& step) {
  int64_t next[kMostForwardUnits] = {};
  bool open = true;
  while (open) {
    open = false;
    for (int unit = warp, i = 0; unit < units; unit += warps, ++i) {
      const int64_t token = place.token(source(unit), unit % place.shape.streams, next[i]);
      if (token < 0) continue;
      open = true;
      if (step(unit, token)) ++next[i];
    }
  }
}

// --- dispatch ---

// Unit: (node to send to, stream).
template <CacheHints kHints>
__device__ void dispatch_send(const Place& place, const Bf16* rows, int warp, int warps, int lane) {
  const ForwardShape& shape = place.shape;
  const auto source = [&](int) { return place.node; };
  run_units(place, shape.nodes * shape.streams, warp, warps, source, [&](int unit, int64_t token) {
    const int to = unit / shape.streams;
    if (!place.goes_to_node(token, to)) return true;
    const Ring ring = place.between_nodes(place.node, to, unit % shape.streams);
    const uint32_t written = own_count(ring.written);
    if (!has_space(shape, ring, written)) return false;
    copy_row<kHints>(shape, rows + token * shape.width, place.slot(ring, written), lane);
    tell(ring.written, written + 1, lane);
    return true;
  });
}

// Unit: (node that sent, stream).
template <CacheHints kHints>
__device__ void dispatch_forward(const Place& place, int warp, int warps, int lane) {
  const ForwardShape& shape = place.shape;
  const auto source = [&](int unit) { return unit / shape.streams; };
  run_units(place, shape.nodes * shape.streams, warp, warps, source, [&](int unit, int64_t token) {
    const int from = unit / shape.streams;
    const int stream = unit % shape.streams;
    if (!place.goes_to_node(token, place.node)) return true;
    const Ring in = place.between_nodes(from, place.node, stream);
    const uint32_t read = own_count(in.read);
    if (!has_row(in, read)) return false;
    for (int rank = 0; rank < shape.ranks; ++rank) {
      if (!place.goes_to_rank(token, place.node, rank)) continue;
      const Ring out = place.within_node(place.node, rank, from, stream);
      if (!has_space(shape, out, own_count(out.written))) return false;
    }
    for (int rank = 0; rank < shape.ranks; ++rank) {
      if (!place.goes_to_rank(token, place.node, rank)) continue;
      const Ring out = place.within_node(place.node, rank, from, stream);
      const uint32_t written = own_count(out.written);
      copy_row<kHints>(shape, place.slot(in, read), place.slot(out, written), lane);
      tell(out.written, written + 1, lane);
    }
    tell(in.read, read + 1, lane);
    return true;
  });
}

// Unit: (rank of the node, node that sent, stream).
template <CacheHints kHints>
__device__ void dispatch_receive(const Place& place, Bf16* received, int warp, int warps, int lane) {
  const ForwardShape& shape = place.shape;
  const int64_t all_tokens = shape.nodes * shape.node_tokens();
  const auto source = [&](int unit) { return unit / shape.streams % shape.nodes; };
  run_units(place, shape.ranks * shape.nodes * shape.streams, warp, warps, source, [&](int unit, int64_t token) {
    const int rank = unit / shape.streams / shape.nodes;
    if (!place.goes_to_rank(token, place.node, rank)) return true;
    const Ring in = place.within_node(place.node, rank, source(unit), unit % shape.streams);
    const uint32_t read = own_count(in.read);
    if (!has_row(in, read)) return false;
    const int64_t row = (int64_t{place.node} * shape.ranks + rank) * all_tokens + token;
    copy_row<kHints>(shape, place.slot(in, read), received + row * shape.width, lane);
    tell(in.read, read + 1, lane);
    return true;
  });
}

// --- combine ---

// Unit: (rank of the node, node whose tokens they are, stream).
template <CacheHints kHints>
__device__ void combine_send(const Place& place, const Bf16* results, int warp, int warps, int lane) {
  const ForwardShape& shape = place.shape;
  const int64_t all_tokens = shape.nodes * shape.node_tokens();
  const auto source = [&](int unit) { return unit / shape.streams % shape.nodes; };
  run_units(place, shape.ranks * shape.nodes * shape.streams, warp, warps, source, [&](int unit, int64_t token) {
    const int rank = unit / shape.streams / shape.nodes;
    if (!place.goes_to_rank(token, place.node, rank)) return true;
    const Ring out = place.within_node(place.node, rank, source(unit), unit % shape.streams);
    const uint32_t written = own_count(out.written);
    if (!has_space(shape, out, written)) return false;
    const int64_t row = (int64_t{place.node} * shape.ranks + rank) * all_tokens + token;
    copy_row<kHints>(shape, results + row * shape.width, place.slot(out, written), lane);
    tell(out.written, written + 1, lane);
    return true;
  });
}

// Unit: (node whose tokens they are, stream). Adds up what the node's ranks made of a token.
template <CacheHints kHints>
__device__ void combine_forward(const Place& place, int warp, int warps, int lane) {
  const ForwardShape& shape = place.shape;
  const auto source = [&](int unit) { return unit / shape.streams; };
  run_units(place, shape.nodes * shape.streams, warp, warps, source, [&](int unit, int64_t token) {
    const int home = unit / shape.streams;
    const int stream = unit % shape.streams;
    if (!place.goes_to_node(token, place.node)) return true;
    const Ring out = place.between_nodes(place.node, home, stream);
    const uint32_t written = own_count(out.written);
    if (!has_space(shape, out, written)) return false;
    for (int rank = 0; rank < shape.ranks; ++rank) {
      if (!place.goes_to_rank(token, place.node, rank)) continue;
      const Ring in = place.within_node(place.node, rank, home, stream);
      if (!has_row(in, own_count(in.read))) return false;
    }
    for (int64_t at = lane * 16; at < shape.width * 2; at += kWarp * 16) {
      ForwardedSums sums = {};
      for (int rank = 0; rank < shape.ranks; ++rank) {
        if (!place.goes_to_rank(token, place.node, rank)) continue;
        const Ring in = place.within_node(place.node, rank, home, stream);
        sums.add(load16<kHints>(place.slot(in, *in.read) + at));  // nobody else changes it
      }
      store16<kHints>(place.slot(out, written) + at, sums.rounded());
    }
    for (int rank = 0; rank < shape.ranks; ++rank) {
      if (!place.goes_to_rank(token, place.node, rank)) continue;
      const Ring in = place.within_node(place.node, rank, home, stream);
      tell(in.read, own_count(in.read) + 1, lane);
    }
    tell(out.written, written + 1, lane);
    return true;
  });
}

// Unit: (stream). Adds up what came from the nodes.
template <CacheHints kHints>
__device__ void combine_receive(const Place& place, float* sums_out, int warp, int warps, int lane) {
  const ForwardShape& shape = place.shape;
  const auto source = [&](int) { return place.node; };
  run_units(place, shape.streams, warp, warps, source, [&](int unit, int64_t token) {
    for (int from = 0; from < shape.nodes; ++from) {
      if (!place.goes_to_node(token, from)) continue;
      const Ring in = place.between_nodes(from, place.node, unit);
      if (!has_row(in, own_count(in.read))) return false;
    }
    for (int64_t at = lane * 16; at < shape.width * 2; at += kWarp * 16) {
      ForwardedSums sums = {};
      for (int from = 0; from < shape.nodes; ++from) {
        if (!place.goes_to_node(token, from)) continue;
        const Ring in = place.between_nodes(from, place.node, unit);
        sums.add(load16<kHints>(place.slot(in, *in.read) + at));  // nobody else changes it
      }
      float* to = sums_out + token * shape.width + at / 2;
      for (int i = 0; i < 8; ++i) to[i] = sums.numbers[i];
    }
    for (int from = 0; from < shape.nodes; ++from) {
      if (!place.goes_to_node(token, from)) continue;
      const Ring in = place.between_nodes(from, place.node, unit);
      tell(in.read, own_count(in.read) + 1, lane);
    }
    return true;
  });
}

// Blocks: the SMs of the first node, then those of the next.
template <CacheHints kHints, bool kDispatch>
__global__ void __launch_bounds__(kMostThreads)
    forward_kernel(ForwardShape shape, WarpRoles roles, ForwardBuffers buffers, const Bf16* from, void* to) {
  const int block = static_cast<int>(blockIdx.x);
  const Place place = {shape, buffers, block / shape.sms, block % shape.sms};
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  if (warp < roles.send) {
    if constexpr (kDispatch) {
      dispatch_send<kHints>(place, from, warp, roles.send, lane);
    } else {
      combine_send<kHints>(place, from, warp, roles.send, lane);
    }
  } else if (warp < roles.send + roles.forward) {
    if constexpr (kDispatch) {
      dispatch_forward<kHints>(place, warp - roles.send, roles.forward, lane);
    } else {
      combine_forward<kHints>(place, warp - roles.send, roles.forward, lane);
    }
  } else {
    const int own = warp - roles.send - roles.forward;
    if constexpr (kDispatch) {
      dispatch_receive<kHints>(place, static_cast<Bf16*>(to), own, roles.receive, lane);
    } else {
      combine_receive<kHints>(place, static_cast<float*>(to), own, roles.receive, lane);
    }
  }
}

__global__ void clear_kernel(uint32_t* counters, int64_t count) {
  const int64_t i = global_thread();
  if (i < count) counters[i] = 0;
}

template <CacheHints kHints, bool kDispatch>
void launch_forward(const SmStream& stream, const ForwardShape& shape, const WarpRoles& roles,
                    const ForwardBuffers& buffers, const Bf16* from, void* to) {
  const int64_t counters = counters_size(shape);
  PIPELOOM_LAUNCH(clear_kernel, ({blocks_for(counters, 256), 256, 0}), stream, buffers.counters, counters);
  const Grid grid{static_cast<unsigned>(shape.nodes * shape.sms), static_cast<unsigned>(roles.all() * kWarp), 0};
  launch_resident("forward_kernel", forward_kernel<kHints, kDispatch>, grid, stream, shape, roles, buffers, from, to);
}

}  // namespace

void forward_dispatch(const SmStream& stream, const ForwardShape& shape, const WarpRoles& roles,
                      const ForwardBuffers& buffers, const Bf16* rows, Bf16* received) {
  check_forward(shape, roles);
  shape.cache_hints ? launch_forward<CacheHints::kStreaming, true>(stream, shape, roles, buffers, rows, received)
                    : launch_forward<CacheHints::kNone, true>(stream, shape, roles, buffers, rows, received);
}

void forward_combine(const SmStream& stream, const ForwardShape& shape, const WarpRoles& roles,
                     const ForwardBuffers& buffers, const Bf16* results, float* sums) {
  check_forward(shape, roles);
  shape.cache_hints ? launch_forward<CacheHints::kStreaming, false>(stream, shape, roles, buffers, results, sums)
                    : launch_forward<CacheHints::kNone, false>(stream, shape, roles, buffers, results, sums);
}

}  // namespace pipeloom::backend
