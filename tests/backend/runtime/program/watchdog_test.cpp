#include "backend/runtime/program/watchdog.h"

#include <gtest/gtest.h>

#include "backend/transport/threads.h"

namespace pipeloom::backend {
namespace {

constexpr int64_t kPatience_ns = 50'000'000;

RankTask attention() {
  RankTask task;
  task.task.key = {1, 4, 3, Component::kAttention, SlotKind::kI};
  task.stage = 1;
  task.micro_batch = 7;
  return task;
}

TEST(Watchdog, NamesTheRankAndTheTaskThatDoesNotEnd) {
  const auto endpoints = connect_threads(2);
  const RankTask task = attention();
  Heartbeat heartbeat;
  const Watchdog watchdog(heartbeat, *endpoints[1], kPatience_ns);
  heartbeat.works_on(task, steady_now_ns());
  endpoints[0]->wait_until(steady_now_ns() + 100 * kPatience_ns);
  ASSERT_TRUE(endpoints[0]->aborted().has_value());
  EXPECT_EQ(endpoints[0]->aborted()->message,
            "rank 1: attention I of layer 3 (stage 1) for micro-batch 7 has not ended for 0.1 s");
}

TEST(Watchdog, KnowsOtherWork) {
  const auto endpoints = connect_threads(1);
  Heartbeat heartbeat;
  const Watchdog watchdog(heartbeat, *endpoints[0], kPatience_ns);
  heartbeat.works_on("writing a checkpoint", steady_now_ns());
  endpoints[0]->wait_until(steady_now_ns() + 100 * kPatience_ns);
  ASSERT_TRUE(endpoints[0]->aborted().has_value());
  EXPECT_EQ(endpoints[0]->aborted()->message, "rank 0: writing a checkpoint has not ended for 0.1 s");
}

TEST(Watchdog, LetsARankWaitAndGoOn) {
  const auto endpoints = connect_threads(1);
  const RankTask task = attention();
  Heartbeat heartbeat;
  const Watchdog watchdog(heartbeat, *endpoints[0], kPatience_ns);
  for (int i = 0; i < 10; ++i) {
    heartbeat.works_on(task, steady_now_ns());
    endpoints[0]->wait_until(steady_now_ns() + kPatience_ns / 5);
  }
  heartbeat.waits();
  endpoints[0]->wait_until(steady_now_ns() + 3 * kPatience_ns);
  EXPECT_FALSE(endpoints[0]->aborted().has_value());
}

}  // namespace
}  // namespace pipeloom::backend
