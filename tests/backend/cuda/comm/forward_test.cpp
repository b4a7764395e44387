#include "backend/device/comm/forward.h"

#include <gtest/gtest.h>

#include "tests/backend/cuda/device.h"
#ifdef PIPELOOM_EMULATED
#include "tests/backend/cuda/emulation/slow_threads.h"
#endif

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(Forward);

// Every token goes to some ranks, one to none and one to all.
std::vector<uint8_t> some_targets(const backend::ForwardShape& shape) {
  const int64_t tokens = shape.nodes * shape.node_tokens();
  std::vector<uint8_t> targets(static_cast<size_t>(tokens * shape.all_ranks()));
  for (int64_t token = 0; token < tokens; ++token) {
    for (int64_t rank = 0; rank < shape.all_ranks(); ++rank) {
      const bool goes = token == 1 || (token != 2 && (token * 5 + rank * rank * 3 + token * rank) % 7 < 2);
      targets[token * shape.all_ranks() + rank] = goes ? 1 : 0;
    }
  }
  return targets;
}

backend::ForwardShape shape_of(int nodes, int ranks, int64_t tokens, int64_t width, int sms, int streams,
                               int ring_rows) {
  backend::ForwardShape shape;
  shape.nodes = nodes;
  shape.ranks = ranks;
  shape.tokens = tokens;
  shape.width = width;
  shape.sms = sms;
  shape.streams = streams;
  shape.ring_rows = ring_rows;
  return shape;
}

const backend::ForwardShape kShapes[] = {shape_of(1, 1, 5, 8, 1, 1, 1), shape_of(2, 2, 9, 16, 2, 1, 2),
                                         shape_of(3, 2, 11, 264, 1, 2, 1), shape_of(2, 4, 20, 40, 2, 2, 3)};

struct Buffers {
  explicit Buffers(const backend::ForwardShape& shape)
      : targets(some_targets(shape)), rings(backend::ring_bytes(shape)), counters(backend::counters_size(shape)) {}
  backend::ForwardBuffers get() const { return {targets, rings, counters}; }
  DeviceArray<uint8_t> targets;
  DeviceArray<unsigned char> rings;
  DeviceArray<uint32_t> counters;
};

void expect_rows_at_their_ranks(const backend::ForwardShape& shape, const backend::WarpRoles& roles) {
  const Buffers buffers(shape);
  const int64_t tokens = shape.nodes * shape.node_tokens();
  const auto rows = rounded_to_bf16(random_floats(tokens * shape.width, 41));
  const backend::Bf16 untouched{0x1234};
  const DeviceArray<backend::Bf16> device_rows(rows);
  const DeviceArray<backend::Bf16> received(
      std::vector<backend::Bf16>(static_cast<size_t>(shape.all_ranks() * tokens * shape.width), untouched));
  backend::forward_dispatch(device_stream(), shape, roles, buffers.get(), device_rows, received);
  const auto result = received.numbers();
  const auto targets = some_targets(shape);
  for (int64_t rank = 0; rank < shape.all_ranks(); ++rank) {
    for (int64_t token = 0; token < tokens; ++token) {
      const bool goes = targets[token * shape.all_ranks() + rank] != 0;
      for (int64_t j = 0; j < shape.width; ++j) {
        const backend::Bf16 expected = goes ? rows[token * shape.width + j] : untouched;
        ASSERT_EQ(result[(rank * tokens + token) * shape.width + j].bits, expected.bits)
            << "rank " << rank << ", token " << token;
      }
    }
  }
}

void expect_the_ranks_sums(const backend::ForwardShape& shape, const backend::WarpRoles& roles) {
  const Buffers buffers(shape);
  const int64_t tokens = shape.nodes * shape.node_tokens();
  const auto results = rounded_to_bf16(random_floats(shape.all_ranks() * tokens * shape.width, 42));
  const auto wide = widened(results);
  const auto targets = some_targets(shape);
  std::vector<float> expected(static_cast<size_t>(tokens * shape.width));
  for (int64_t token = 0; token < tokens; ++token) {
    for (int64_t rank = 0; rank < shape.all_ranks(); ++rank) {
      if (targets[token * shape.all_ranks() + rank] == 0) continue;
      for (int64_t j = 0; j < shape.width; ++j) {
        expected[token * shape.width + j] += wide[(rank * tokens + token) * shape.width + j];
      }
    }
  }
  const DeviceArray<backend::Bf16> device_results(results);
  const DeviceArray<float> sums(std::vector<float>(expected.size(), 0.F));
  backend::forward_combine(device_stream(), shape, roles, buffers.get(), device_results, sums);
  EXPECT_LT(relative_difference(sums.numbers(), expected), 0.004);  // BF16 between nodes
}

DEVICE_TEST(Forward, BringsEveryRowToItsRanksAndNoOther) {
  for (backend::ForwardShape shape : kShapes) {
    for (const backend::WarpRoles roles : {backend::WarpRoles{1, 1, 1}, {2, 3, 4}}) {
      for (const bool hints : {false, true}) {
        shape.cache_hints = hints;
        expect_rows_at_their_ranks(shape, roles);
      }
    }
  }
}

DEVICE_TEST(Forward, AddsUpWhatComesBack) {
  for (const backend::ForwardShape& shape : kShapes) {
    for (const backend::WarpRoles roles : {backend::WarpRoles{1, 1, 1}, {3, 2, 1}}) expect_the_ranks_sums(shape, roles);
  }
}

#ifdef PIPELOOM_EMULATED
// Rings of one or two rows, whose readers are much slower than who writes: nothing is overwritten before it was read.
DEVICE_TEST(Forward, WritersWaitForSlowReaders) {
  constexpr int kRounds = 40;
  for (const unsigned slow_warp : {1u, 2u}) {  // whoever reads what the warps before it write
    const emulation::SlowThreads slow(slow_warp * 32, kRounds);
    expect_rows_at_their_ranks(shape_of(2, 2, 9, 16, 1, 1, 1), {1, 1, 1});
    expect_the_ranks_sums(shape_of(2, 2, 9, 16, 1, 1, 2), {1, 1, 1});
  }
}
#endif

TEST(WarpRoles, ABusierRoleGetsMoreWarps) {
  EXPECT_EQ(backend::divide_warps(3, {1, 2, 3}), (backend::WarpRoles{1, 1, 1}));
  EXPECT_EQ(backend::divide_warps(12, {1, 2, 3}), (backend::WarpRoles{2, 4, 6}));
  EXPECT_EQ(backend::divide_warps(16, {0, 1, 0}), (backend::WarpRoles{1, 14, 1}));
  EXPECT_EQ(backend::divide_warps(30, {1, 1, 1}), (backend::WarpRoles{10, 10, 10}));
}

// The most that a warp of any role moves, against every other division.
TEST(WarpRoles, NoOtherDivisionIsBetter) {
  const auto slowest = [](const backend::WarpRoles& roles, const backend::RoleLoads& loads) {
    return std::max({loads.send / roles.send, loads.forward / roles.forward, loads.receive / roles.receive});
  };
  for (const double node_copies : {1.0, 2.5, 4.0}) {
    for (const backend::RoleLoads& loads :
         {backend::dispatch_loads(node_copies, 8), backend::combine_loads(node_copies, 8)}) {
      for (int warps = 3; warps <= 32; ++warps) {
        const backend::WarpRoles best = backend::divide_warps(warps, loads);
        EXPECT_EQ(best.all(), warps);
        for (int send = 1; send < warps - 1; ++send) {
          for (int forward = 1; send + forward < warps; ++forward) {
            const backend::WarpRoles other{send, forward, warps - send - forward};
            EXPECT_LE(slowest(best, loads), slowest(other, loads) + 1e-12);
          }
        }
      }
    }
  }
}

// A token of DeepSeek-V3 goes to 8 experts on at most 4 nodes: its way back needs more warps where rows are added up.
TEST(WarpRoles, LoadsOfDispatchAndCombineAreMirrored) {
  const backend::RoleLoads dispatch = backend::dispatch_loads(4, 8);
  const backend::RoleLoads combine = backend::combine_loads(4, 8);
  EXPECT_EQ(dispatch.forward, combine.forward);
  EXPECT_EQ(dispatch.receive, combine.send);
  EXPECT_LT(dispatch.send, dispatch.receive);
  EXPECT_GT(combine.send, combine.receive);
}

}  // namespace
}  // namespace pipeloom::tests
