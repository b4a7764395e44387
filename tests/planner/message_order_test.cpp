// Message libraries match the n-th send with the n-th receive: which policies survive which orders.
#include "core/schedule/message_order.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "planner/schedules/schedule_table.h"

namespace pipeloom::planner {
namespace {

using Kind = MessageAction::Kind;
using testing::HasSubstr;

// Every named schedule that can run on 2 to 8 ranks.
std::vector<Schedule> orders() {
  std::vector<Schedule> all;
  for (const int ranks : {2, 3, 4, 5, 6, 8}) {
    const PipelineShape shape = {.ranks = ranks, .micro_batches = 2 * ranks};
    for (const NamedSchedule& named : named_schedules()) {
      const auto placement = named.placement(shape);
      if (!placement) continue;
      const auto costs = ScheduleCosts::uniform(placement->stages(), ranks, StageCost::plain(1, 1, 1)).value();
      if (auto schedule = named.generate(shape, {.costs = costs})) all.push_back(*std::move(schedule));
    }
  }
  return all;
}

// Receives are posted right before the slot that takes their message, in the consumer's order.
std::vector<std::vector<MessageAction>> naive_actions(const Schedule& schedule, const MessageTable& messages) {
  std::vector<std::vector<MessageAction>> actions = message_actions(schedule, messages);
  for (std::vector<MessageAction>& of_rank : actions) {
    std::vector<MessageAction> naive;
    for (const MessageAction& action : of_rank) {
      if (action.kind == Kind::kPostReceive) continue;
      if (action.kind == Kind::kWait) naive.push_back({Kind::kPostReceive, action.message, action.position});
      naive.push_back(action);
    }
    of_rank = std::move(naive);
  }
  return actions;
}

TEST(MessageOrder, AnEdgeOfItsOwnWithTheSendersOrderSurvivesAllOrders) {
  for (const Schedule& schedule : orders()) {
    const MessageTable messages(schedule);
    const auto status =
        check_message_order(schedule, messages, message_actions(schedule, messages), Communicators::kEdge);
    EXPECT_TRUE(status.has_value()) << status.error().message;
  }
}

TEST(MessageOrder, SharedCommunicatorsDeadlock) {
  int checked = 0;
  int one_for_all = 0;
  int one_per_pair = 0;
  for (const Schedule& schedule : orders()) {
    const MessageTable messages(schedule);
    const auto naive = naive_actions(schedule, messages);
    ++checked;
    one_for_all += check_message_order(schedule, messages, naive, Communicators::kAll) ? 0 : 1;
    one_per_pair += check_message_order(schedule, messages, naive, Communicators::kPair) ? 0 : 1;
  }
  EXPECT_GE(checked, 100);
  EXPECT_GE(one_for_all, 30);
  EXPECT_GE(one_per_pair, 30);
}

TEST(MessageOrder, TheConsumersOrderSwapsMessagesOfAnEdge) {
  int swapped = 0;
  for (const Schedule& schedule : orders()) {
    const MessageTable messages(schedule);
    const auto status =
        check_message_order(schedule, messages, naive_actions(schedule, messages), Communicators::kEdge);
    if (status) continue;
    ++swapped;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(status.error().message, HasSubstr("would take"));
  }
  EXPECT_GE(swapped, 5);
}

TEST(MessageOrder, ADeadlockIsPrintedAsItsCycle) {
  const PipelineShape shape = {.ranks = 2, .micro_batches = 4};
  const NamedSchedule* named = find_schedule("1f1b").value();
  const auto costs = ScheduleCosts::uniform(2, 2, StageCost::plain(1, 1, 1)).value();
  const Schedule schedule = named->generate(shape, {.costs = costs}).value();
  const MessageTable messages(schedule);
  const auto status = check_message_order(schedule, messages, naive_actions(schedule, messages), Communicators::kAll);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kDeadlock);
  EXPECT_EQ(
      status.error().message,
      "the messages deadlock: rank 0 waits before slot 2 for B0 of stage 1 of rank 1, behind its send of F1 of stage "
      "0 to rank 1; rank 1 waits before slot 2 for F1 of stage 0 of rank 0, behind its send of B0 of stage 1 to rank "
      "0");
}

}  // namespace
}  // namespace pipeloom::planner
