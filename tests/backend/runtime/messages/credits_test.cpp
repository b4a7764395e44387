#include "backend/runtime/messages/credits.h"

#include <gtest/gtest.h>

#include "backend/transport/threads.h"
#include "core/tasks/lower.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

// Rank 0 of 1F1B sends 6 forward messages to rank 1.
struct Ranks {
  explicit Ranks(int depth)
      : plan(tests::plan_with(tests::training_job(tests::tiny_dense(), 2, 6), "gpipe").value()),
        graph(lower(plan)),
        programs{{plan.schedule, graph, 0}, {plan.schedule, graph, 1}},
        endpoints(connect_threads(2)),
        sender(programs[0], {P2pMode::kAsync, 0, depth}, *endpoints[0], 0),
        receiver(programs[1], {P2pMode::kAsync, 0, depth}, *endpoints[1], 0) {
    sender.begin_step(7);
    receiver.begin_step(7);
    for (const RankTask& task : programs[0].tasks()) {
      if (task.task.key.kind == TaskKind::kSend) sends.push_back(&task);
    }
  }

  // Whether the next send may leave.
  bool may_send(size_t number) {
    sender.await(*sends[number], gathers[number]);
    return gathers[number].poll(*endpoints[0]).value();
  }
  // All components of the receiver's forward slot `number` end.
  void run_slot(int number) {
    for (const RankTask& task : programs[1].tasks()) {
      if (task.task.key.slot == number && task.task.key.kind == TaskKind::kComponent) receiver.component_ended(task);
    }
  }

  Plan plan;
  TaskGraph graph;
  RankProgram programs[2];
  std::vector<std::unique_ptr<Endpoint>> endpoints;
  Credits sender;
  Credits receiver;
  std::vector<const RankTask*> sends;
  std::map<size_t, Gather> gathers;
};

TEST(Credits, ASendWaitsForTheBufferOfTheOneThatManyBefore) {
  Ranks ranks(2);
  EXPECT_TRUE(ranks.may_send(0));
  EXPECT_TRUE(ranks.may_send(1));
  EXPECT_FALSE(ranks.may_send(2));
  ranks.run_slot(0);
  EXPECT_TRUE(ranks.gathers[2].poll(*ranks.endpoints[0]).value());
  EXPECT_FALSE(ranks.may_send(3));
  EXPECT_EQ(ranks.gathers[3].missing_source(), 1);
}

TEST(Credits, NoneAreLeftAtTheEndOfTheStep) {
  Ranks ranks(2);
  for (int slot = 0; slot < 6; ++slot) ranks.run_slot(slot);
  for (size_t number = 0; number < 6; ++number) EXPECT_TRUE(ranks.may_send(number));
  EXPECT_FALSE(ranks.endpoints[0]->try_receive(1, Channel::kForwardCredit).has_value());
}

TEST(Credits, WithoutALimitNothingWaits) {
  Ranks ranks(0);
  for (size_t number = 0; number < 6; ++number) EXPECT_TRUE(ranks.may_send(number));
  ranks.run_slot(0);
  EXPECT_FALSE(ranks.endpoints[0]->try_receive(1, Channel::kForwardCredit).has_value());
}

}  // namespace
}  // namespace pipeloom::backend
