#include "backend/runtime/program/executor.h"

#include <gtest/gtest.h>

#include <map>

#include "backend/transport/threads.h"
#include "core/tasks/lower.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

// Ends every task when it is asked for the `polls`-th time, and notes what it is told.
class FakeRunner : public TaskRunner {
 public:
  Status start(const RankTask& task) override {
    started.push_back(task.number);
    if (describe(task) == fails) return invalid("it failed");
    return {};
  }
  Result<Progress> poll(const RankTask& task) override {
    if (describe(task) == hangs) return Progress::until_message({WaitKind::kMember, {}, 1});
    if (++asked_[task.number] < polls) return Progress::until(steady_now_ns());
    return Progress::done();
  }
  std::string waits_for(const RankTask& /*task*/) const override { return "Godot"; }

  int polls = 1;
  std::string fails;
  std::string hangs;
  std::vector<uint32_t> started;

 private:
  std::map<uint32_t, int> asked_;
};

struct Rank0 {
  Rank0()
      : plan(tests::plan_with(tests::training_job(tests::tiny_moe(), 2, 4, 2, 2), "dualpipev").value()),
        graph(lower(plan)),
        program(plan.schedule, graph, 0),
        endpoints(connect_threads(2)) {}

  Status run() {
    Executor executor(program, runner, *endpoints[0], heartbeat, 50'000'000);
    Status status = executor.run_step();
    spans = executor.spans();
    return status;
  }

  Plan plan;
  TaskGraph graph;
  RankProgram program;
  std::vector<std::unique_ptr<Endpoint>> endpoints;
  FakeRunner runner;
  Heartbeat heartbeat;
  std::vector<Span> spans;
};

TEST(RankProgram, HasTheRanksTasksAndDependencies) {
  const Rank0 rank;
  size_t own = 0;
  size_t dependencies = 0;
  for (uint32_t task = 0; task < rank.graph.tasks().size(); ++task) {
    if (rank.graph.tasks()[task].key.rank != 0) continue;
    ++own;
    for (const TaskDependency& dependency : rank.graph.dependencies(task)) {
      if (rank.graph.tasks()[dependency.from].key.rank == 0) ++dependencies;
    }
  }
  EXPECT_EQ(rank.program.tasks().size(), own);
  size_t counted = 0;
  size_t arcs = 0;
  for (uint32_t task = 0; task < own; ++task) {
    counted += rank.program.tasks()[task].dependencies;
    arcs += rank.program.dependents(task).size();
  }
  EXPECT_EQ(counted, dependencies);
  EXPECT_EQ(arcs, dependencies);
}

TEST(RankProgram, ComputationComesLast) {
  const Rank0 rank;
  ASSERT_GT(rank.program.queues(), 3);
  for (int queue = 0; queue < rank.program.queues(); ++queue) {
    const bool compute = rank.program.tasks()[rank.program.queue(queue)[0]].task.lane == Lane::kCompute;
    EXPECT_EQ(compute, queue + 1 == rank.program.queues());
  }
}

TEST(Executor, RunsEveryTaskOnceAfterWhatItWaitsFor) {
  for (const int polls : {1, 2, 3}) {
    Rank0 rank;
    rank.runner.polls = polls;
    ASSERT_TRUE(rank.run().has_value());
    std::map<TaskKey, int64_t> end_ns;
    for (const Span& span : rank.spans) {
      EXPECT_LE(span.begin_ns, span.end_ns);
      EXPECT_TRUE(end_ns.emplace(span.key, span.end_ns).second);
    }
    ASSERT_EQ(end_ns.size(), rank.program.tasks().size());
    std::map<TaskKey, int64_t> begin_ns;
    for (const Span& span : rank.spans) begin_ns[span.key] = span.begin_ns;
    for (uint32_t task = 0; task < rank.program.tasks().size(); ++task) {
      for (const auto& dependent : rank.program.dependents(task)) {
        EXPECT_LE(end_ns[rank.program.tasks()[task].task.key], begin_ns[rank.program.tasks()[dependent.task].task.key]);
      }
    }
    for (int queue = 0; queue < rank.program.queues(); ++queue) {
      for (size_t i = 1; i < rank.program.queue(queue).size(); ++i) {
        EXPECT_LE(end_ns[rank.program.tasks()[rank.program.queue(queue)[i - 1]].task.key],
                  begin_ns[rank.program.tasks()[rank.program.queue(queue)[i]].task.key]);
      }
    }
  }
}

TEST(Executor, StopsAtTheFirstErrorAndTellsTheOthers) {
  Rank0 rank;
  rank.runner.fails = "attention F of layer 0 (stage 0) for micro-batch 1";
  const Status status = rank.run();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message, "it failed");
  EXPECT_EQ(rank.endpoints[1]->aborted()->message, "it failed");
  EXPECT_LT(rank.runner.started.size(), rank.program.tasks().size());
}

TEST(Executor, NamesWhatAHungTaskWaitsFor) {
  Rank0 rank;
  rank.runner.hangs = "dispatch F of layer 1 (stage 0) for micro-batch 0";
  const Status status = rank.run();
  ASSERT_FALSE(status.has_value());
  EXPECT_NE(status.error().message.find("rank 0: nothing ended for 0.1 s"), std::string::npos)
      << status.error().message;
  EXPECT_NE(status.error().message.find(rank.runner.hangs + " waits for Godot"), std::string::npos)
      << status.error().message;
}

TEST(Executor, EndsWhenAnotherRankAborts) {
  Rank0 rank;
  rank.runner.hangs = "attention F of layer 0 (stage 0) for micro-batch 1";
  rank.endpoints[1]->abort({ErrorCode::kIo, "rank 1 fell over"});
  const Status status = rank.run();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message, "rank 1 fell over");
}

}  // namespace
}  // namespace pipeloom::backend
