#include "sim/engine/simulate_slot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/support/vectors.h"

namespace pipeloom::sim {
namespace {

SlotTask compute(int64_t alone_ns, int32_t after = -1, int64_t beside_dispatch_ns = 0, int64_t beside_combine_ns = 0) {
  return {false,
          AllToAllKernel::kDispatch,
          after,
          alone_ns,
          {std::max(alone_ns, beside_dispatch_ns), std::max(alone_ns, beside_combine_ns)}};
}

SlotTask transfer(int64_t alone_ns, int32_t after = -1, AllToAllKernel kernel = AllToAllKernel::kDispatch) {
  return {true, kernel, after, alone_ns, {alone_ns, alone_ns}};
}

using Tasks = std::vector<SlotTask>;

TEST(Chunk, LanesRunInOrderAndTogether) {
  const SlotTaskTimes times = simulate_slot(Tasks{compute(10), transfer(4), compute(5, 1), transfer(3, 2)});
  EXPECT_EQ(times.start_ns, (std::vector<int64_t>{0, 0, 10, 15}));
  EXPECT_EQ(times.end_ns, (std::vector<int64_t>{10, 4, 15, 18}));
  EXPECT_EQ(times.duration_ns, 18);
  EXPECT_EQ(times.overlapped_ns, 4);
}

TEST(Chunk, ComputeIsSlowWhileAKernelRunsBesideIt) {
  // In the 4 of the transfer, compute does 2 of its 10; the other 8 run alone.
  EXPECT_EQ(simulate_slot(Tasks{transfer(4), compute(10, -1, 20)}).duration_ns, 12);
  // Beside a dispatch and then a combine kernel, compute does 2 + 3 in 4 + 4; 5 are left.
  const SlotTaskTimes both =
      simulate_slot(Tasks{transfer(4), transfer(4, -1, AllToAllKernel::kCombine), compute(10, -1, 20, 14)});
  EXPECT_EQ(both.duration_ns, 4 + 4 + 6);  // 10 - 2 - 2.857... = 5.14..., rounded up
}

TEST(Chunk, EndsRoundUp) {
  EXPECT_EQ(simulate_slot(Tasks{transfer(1), compute(3, -1, 4)}).duration_ns, 4);  // 1 + (3 - 0.75)
  EXPECT_EQ(simulate_slot(Tasks{transfer(100), compute(3, -1, 4)}).end_ns[1], 4);
}

TEST(Chunk, EmptyTasksTakeNoTime) {
  const SlotTaskTimes times = simulate_slot(Tasks{compute(0), transfer(0, 0), compute(5, 1)});
  EXPECT_EQ(times.duration_ns, 5);
  EXPECT_EQ(simulate_slot({}).duration_ns, 0);
}

// --- the measured DeepSeek-V3 chunk (docs/research/dsv3_chunk.md), times in us ---

using Row = std::map<std::string, std::string>;

std::string name_of(const Row& row, const std::string& prefix) {
  return row.at(prefix + "component") + row.at(prefix + "pass") + row.at(prefix + "layer");
}

// Returns the time of each transfer without its wait for peers.
std::map<std::string, int64_t> without_sync() {
  std::map<std::string, int64_t> moved;
  for (const Row& row : tests::read_csv("trace/dsv3_train_chunk_split.csv")) {
    if (row.at("part") != "sync") moved[name_of(row, "")] += std::stoll(row.at("dur_us"));
  }
  return moved;
}

std::vector<Row> rows_by_start() {
  std::vector<Row> rows = tests::read_csv("trace/dsv3_train_chunk.csv");
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::stoll(a.at("start_us")) < std::stoll(b.at("start_us"));
  });
  return rows;
}

Tasks replay_tasks(const std::vector<Row>& rows, bool with_sync) {
  std::map<std::string, int32_t> number;
  for (size_t i = 0; i < rows.size(); ++i) number[name_of(rows[i], "")] = static_cast<int32_t>(i);
  const auto moved = without_sync();
  Tasks tasks;
  for (const Row& row : rows) {
    const bool is_transfer = row.at("lane") == "comm";
    const int64_t duration = is_transfer && !with_sync ? moved.at(name_of(row, "")) : std::stoll(row.at("dur_us"));
    tasks.push_back(is_transfer ? transfer(duration) : compute(duration));
  }
  for (const Row& row : tests::read_csv("trace/dsv3_train_chunk_deps.csv")) {
    tasks[number.at(name_of(row, ""))].after = number.at(name_of(row, "dep_"));
  }
  return tasks;
}

// Returns the waits of the compute lane by the slot (pair of layers) of the task that follows. A slot's six components
// are in order.
std::vector<int64_t> stalls_by_slot(const Tasks& tasks, const SlotTaskTimes& times) {
  std::vector<int64_t> stalls(4, 0);
  int64_t free_ns = -1;
  int count = 0;
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (tasks[i].communication) continue;
    if (free_ns >= 0) stalls[count / 6] += times.start_ns[i] - free_ns;
    free_ns = times.end_ns[i];
    ++count;
  }
  return stalls;
}

TEST(Chunk, ReplaysTheMeasuredChunk) {
  const Tasks tasks = replay_tasks(rows_by_start(), true);
  ASSERT_EQ(tasks.size(), 40u);
  const SlotTaskTimes times = simulate_slot(tasks);
  EXPECT_NEAR(static_cast<double>(times.duration_ns), 129'012, 0.01 * 129'012);
  const std::vector<int64_t> stalls = stalls_by_slot(tasks, times);
  EXPECT_EQ(stalls[0] + stalls[1] + stalls[2], 0);
  EXPECT_NEAR(static_cast<double>(stalls[3]), 2'035, 0.3 * 2'035);
  int64_t communication = 0;
  int64_t compute_wall = 0;
  for (const SlotTask& task : tasks) (task.communication ? communication : compute_wall) += task.alone_ns;
  // Kernels are busy for 124,286 of the components' time; communication beside the gaps between them is exposed too.
  const double gaps = 1 - 124'286.0 / static_cast<double>(compute_wall);
  const auto overlapped = static_cast<double>(times.overlapped_ns);
  EXPECT_NEAR(static_cast<double>(communication) - overlapped * (1 - gaps), 4'229, 0.25 * 4'229);
}

TEST(Chunk, WithoutWaitsForPeersTheMeasuredChunkIsComputeBound) {
  const Tasks tasks = replay_tasks(rows_by_start(), false);
  const SlotTaskTimes times = simulate_slot(tasks);
  EXPECT_NEAR(static_cast<double>(times.duration_ns), 126'922, 0.01 * 126'922);
  for (const int64_t stall : stalls_by_slot(tasks, times)) EXPECT_EQ(stall, 0);
}

}  // namespace
}  // namespace pipeloom::sim
