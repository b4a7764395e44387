#include "sim/engine/simulate_tasks.h"

#include <gtest/gtest.h>

#include "core/tasks/lower.h"
#include "tests/sim/engine/moe_costs.h"
#include "tests/support/references.h"

namespace pipeloom::sim {
namespace {

// Builds a graph of a few tasks, with dependencies and loads given by hand.
class Graph {
 public:
  uint32_t add(Lane lane, const TaskLoad& load, std::vector<uint32_t> after = {}, int rank = 0) {
    Task task;
    task.key = {rank, 0, static_cast<int32_t>(loads_.loads.size())};
    task.lane = lane;
    return add(task, load, after);
  }
  uint32_t send(int from, int to, const TaskLoad& load, std::vector<uint32_t> after = {}) {
    Task task;
    task.key = {from, 0, static_cast<int32_t>(loads_.loads.size()), Component::kStage, SlotKind::kF, TaskKind::kSend};
    task.lane = Lane::kP2p;
    task.peer = to;
    return add(task, load, after);
  }
  TaskTimes run(const ReplicaRuns& replicas = {}) && {
    return simulate_tasks(std::move(builder_).build(), loads_, replicas).value();
  }

 private:
  uint32_t add(const Task& task, const TaskLoad& load, const std::vector<uint32_t>& after) {
    const uint32_t number = builder_.add(task);
    for (const uint32_t from : after) builder_.depend(number, from);
    loads_.of_task.push_back(static_cast<uint32_t>(loads_.loads.size()));
    loads_.loads.push_back(load);
    return number;
  }

  TaskGraphBuilder builder_;
  TaskLoads loads_;
};

TaskLoad compute(int64_t alone_ns, int64_t beside_dispatch_ns, int64_t beside_combine_ns, int64_t waiting_ns) {
  return {alone_ns, {beside_dispatch_ns, beside_combine_ns}, waiting_ns, AllToAllKernel::kCombine, 0, 0};
}
TaskLoad transfer(int64_t alone_ns, double nic, double nvlink = 0, AllToAllKernel kernel = AllToAllKernel::kCombine) {
  TaskLoad load = TaskLoad::alone(alone_ns);
  load.kernel = kernel;
  load.nic = static_cast<LinkShare>(nic * kWholeLink);
  load.nvlink = static_cast<LinkShare>(nvlink * kWholeLink);
  return load;
}

using Times = std::vector<int64_t>;

TEST(SimulateTasks, ComputeIsSlowBesideTheKernelThatRuns) {
  Graph graph;
  graph.add(Lane::kCompute, compute(10, 20, 14, 12));
  graph.add(Lane::kEp, transfer(4, 0, 0, AllToAllKernel::kDispatch));
  EXPECT_EQ(std::move(graph).run().end_ns, (Times{12, 4}));
}

TEST(SimulateTasks, AReductionSlowsComputeAsACombineDoes) {
  Graph graph;
  graph.add(Lane::kCompute, compute(10, 20, 15, 12));
  graph.add(Lane::kDp, transfer(3, 0));
  EXPECT_EQ(std::move(graph).run().end_ns, (Times{11, 3}));
}

TEST(SimulateTasks, TransfersShareANic) {
  // Together they ask 1.5 times what the NIC carries: the transfer of 4 takes 6, in which the other does 4 of its 10.
  Graph graph;
  graph.add(Lane::kEp, transfer(10, 0.5));
  graph.send(0, 1, transfer(4, 1));
  EXPECT_EQ(std::move(graph).run().end_ns, (Times{12, 6}));
}

TEST(SimulateTasks, AReceiversNicIsSharedToo) {
  Graph graph;
  graph.add(Lane::kEp, transfer(10, 1), {}, 1);
  graph.send(0, 1, transfer(4, 1));
  EXPECT_EQ(std::move(graph).run().end_ns, (Times{14, 8}));
}

TEST(SimulateTasks, DirectionsAndLinksAreIndependent) {
  Graph graph;
  graph.add(Lane::kEp, transfer(10, 0, 1), {}, 1);  // NVLink
  graph.send(0, 1, transfer(4, 1));
  graph.send(1, 0, transfer(5, 1));
  EXPECT_EQ(std::move(graph).run().end_ns, (Times{10, 4, 5}));
}

TEST(SimulateTasks, MembersOfACollectiveWaitForTheLast) {
  // Attention takes twice as long in replica 1: both dispatches start at 20, and until then replica 0's holds its SMs.
  Graph graph;
  const uint32_t first = graph.add(Lane::kCompute, TaskLoad::alone(10));
  graph.add(Lane::kEp, transfer(6, 0, 0, AllToAllKernel::kDispatch), {first});
  graph.add(Lane::kCompute, compute(8, 16, 16, 10));
  const std::vector<uint32_t> scale = {1 << 16, 1 << 16, 1 << 16, 2 << 16, 1 << 16, 1 << 16};
  const TaskTimes times = std::move(graph).run({2, scale});
  EXPECT_EQ(times.start_ns, (Times{0, 10, 10, 0, 20, 20}));
  EXPECT_EQ(times.end_ns, (Times{10, 26, 20, 20, 26, 31}));
}

TEST(SimulateTasks, ACycleIsAnError) {
  TaskGraphBuilder builder;
  Task task;
  builder.add(task);
  builder.add(task);
  builder.depend(0, 1);
  const TaskGraph graph = std::move(builder).build();
  EXPECT_NE(simulate_tasks(graph, uncontended_loads(graph)).error().message.find("in a cycle"), std::string::npos);
}

TEST(SimulateTasks, UncontendedIsAsTheSweep) {
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    const TaskGraph graph = lower(schedule, tests::moe_costs(schedule));
    const TaskTimes swept = sweep_tasks(graph).value();
    for (const int replicas : {1, 3}) {
      const TaskTimes times = simulate_tasks(graph, uncontended_loads(graph), {replicas, {}}).value();
      ASSERT_EQ(times.makespan_ns, swept.makespan_ns);
      for (int replica = 0; replica < replicas; ++replica) {
        const auto begin = times.start_ns.begin() + static_cast<int64_t>(replica * graph.tasks().size());
        ASSERT_TRUE(std::equal(swept.start_ns.begin(), swept.start_ns.end(), begin));
      }
    }
  }
}

}  // namespace
}  // namespace pipeloom::sim
