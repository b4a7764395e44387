#include "backend/device/program/communicators.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace pipeloom::backend {
namespace {

using Kind = Communicator::Kind;

Layout layout(int pipeline, int data = 1, int expert = 1) {
  Layout result;
  result.pipeline = pipeline;
  result.data = data;
  result.expert = expert;
  return result;
}

size_t count(const CommunicatorPlan& plan, Kind kind) {
  return std::ranges::count(plan.communicators, kind, &Communicator::kind);
}

TEST(Communicators, OneForEachDirectedEdge) {
  const Placement placement = Placement::linear(4).value();
  const CommunicatorPlan plan = plan_communicators(placement, layout(4));
  EXPECT_EQ(plan.communicators.size(), 6u);  // 3 edges, there and back; nobody to share gradients with
  EXPECT_EQ(plan.rounds, 4);                 // a rank in the middle has two neighbours, there and back
  EXPECT_GE(plan.find(Kind::kEdge, {1, 2}, Direction::kForward), 0);
  EXPECT_GE(plan.find(Kind::kEdge, {2, 1}, Direction::kBackward), 0);
  EXPECT_EQ(plan.find(Kind::kEdge, {2, 1}, Direction::kForward), -1);
  EXPECT_EQ(plan.find(Kind::kReplica, {0}), -1);
}

TEST(Communicators, BothPipesAndBothDirectionsAreApart) {
  const Placement placement = Placement::bidirectional(4, 1).value();
  const CommunicatorPlan plan = plan_communicators(placement, layout(4));
  EXPECT_EQ(count(plan, Kind::kEdge), placement.queues().size());
  EXPECT_NE(plan.find(Kind::kEdge, {0, 1}, Direction::kForward), plan.find(Kind::kEdge, {0, 1}, Direction::kBackward));
  // Stage 0 is on ranks 0 and 3.
  EXPECT_GE(plan.find(Kind::kReplica, {0, 3}), 0);
  EXPECT_GE(plan.find(Kind::kReplica, {1, 2}), 0);
}

TEST(Communicators, BothEndsOfATokenTable) {
  const Placement placement = Placement::linear(4).value();
  const CommunicatorPlan without = plan_communicators(placement, layout(4, 2));
  const CommunicatorPlan with = plan_communicators(placement, layout(4, 2), true);
  EXPECT_EQ(without.find(Kind::kReplica, {0, 3, 4, 7}), -1);
  EXPECT_GE(with.find(Kind::kReplica, {0, 3, 4, 7}), 0);
  EXPECT_EQ(with.communicators.size(), without.communicators.size() + 1);
}

TEST(Communicators, GroupsOfExpertsAndOfTheirReplicas) {
  const Placement placement = Placement::linear(2).value();
  const CommunicatorPlan plan = plan_communicators(placement, layout(2, 4, 2));
  EXPECT_EQ(count(plan, Kind::kEdge), 2u * 4);
  EXPECT_EQ(count(plan, Kind::kExpert), 2u * 2);
  EXPECT_GE(plan.find(Kind::kExpert, {0, 2}), 0);
  EXPECT_GE(plan.find(Kind::kExpert, {5, 7}), 0);
  EXPECT_GE(plan.find(Kind::kReplica, {0, 2, 4, 6}), 0);
  EXPECT_GE(plan.find(Kind::kReplica, {0, 4}), 0);  // experts with the same place in their group
  EXPECT_GE(plan.find(Kind::kReplica, {3, 7}), 0);
}

// One call of each rank in each round: no rank may be needed twice, and all members must agree.
TEST(Communicators, ARankJoinsOneInARound) {
  for (const int data : {1, 2, 4}) {
    for (const int ranks : {2, 4, 6}) {
      for (const Placement& placement :
           {Placement::linear(ranks).value(), Placement::v(ranks).value(), Placement::looped(ranks, 2).value(),
            Placement::bidirectional(ranks, 1).value()}) {
        const CommunicatorPlan plan = plan_communicators(placement, layout(ranks, data, data > 1 ? 2 : 1));
        for (int round = 0; round < plan.rounds; ++round) {
          std::set<int> members;
          size_t size = 0;
          for (const Communicator& communicator : plan.communicators) {
            if (communicator.round != round) continue;
            members.insert(communicator.members.begin(), communicator.members.end());
            size += communicator.members.size();
          }
          EXPECT_EQ(members.size(), size);
          for (const int member : members) {
            const int joined = plan.joined(member, round);
            ASSERT_GE(joined, 0);
            EXPECT_EQ(plan.communicators[joined].round, round);
          }
        }
        EXPECT_LE(plan.rounds, 4 * static_cast<int>(placement.queues().size()));
      }
    }
  }
}

}  // namespace
}  // namespace pipeloom::backend
