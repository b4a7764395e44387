#include "backend/transport/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "core/base/check.h"

namespace pipeloom::backend {
namespace {

Message numbered(int number) {
  Message message;
  message.tag.micro_batch = number;
  return message;
}

TEST(ThreadTransport, KeepsTheOrderOfEachChannelAndSource) {
  const auto endpoints = connect_threads(3);
  for (int i = 0; i < 5; ++i) {
    endpoints[0]->send(2, Channel::kForward, numbered(i));
    endpoints[0]->send(2, Channel::kBackward, numbered(10 + i));
    endpoints[1]->send(2, Channel::kForward, numbered(20 + i));
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(endpoints[2]->try_receive(1, Channel::kForward)->tag.micro_batch, 20 + i);
    EXPECT_EQ(endpoints[2]->try_receive(0, Channel::kBackward)->tag.micro_batch, 10 + i);
    EXPECT_EQ(endpoints[2]->try_receive(0, Channel::kForward)->tag.micro_batch, i);
  }
  EXPECT_FALSE(endpoints[2]->try_receive(0, Channel::kForward).has_value());
  EXPECT_FALSE(endpoints[1]->try_receive(0, Channel::kForward).has_value());
}

TEST(ThreadTransport, WakesTheReceiver) {
  const auto endpoints = connect_threads(2);
  const int64_t begin_ns = steady_now_ns();
  std::jthread sender([&] { endpoints[0]->send(1, Channel::kForward, numbered(1)); });
  while (!endpoints[1]->try_receive(0, Channel::kForward)) endpoints[1]->wait_until(begin_ns + 30'000'000'000);
  EXPECT_LT(steady_now_ns() - begin_ns, 10'000'000'000);
}

TEST(ThreadTransport, ANewsThatCameBeforeTheWaitEndsIt) {
  const auto endpoints = connect_threads(2);
  EXPECT_FALSE(endpoints[1]->try_receive(0, Channel::kForward).has_value());
  endpoints[0]->send(1, Channel::kForward, numbered(1));
  const int64_t begin_ns = steady_now_ns();
  endpoints[1]->wait_until(begin_ns + 30'000'000'000);
  EXPECT_LT(steady_now_ns() - begin_ns, 10'000'000'000);
}

TEST(ThreadTransport, WaitsUntilItsTime) {
  const auto endpoints = connect_threads(1);
  const int64_t end_ns = steady_now_ns() + 2'000'000;
  endpoints[0]->wait_until(end_ns);
  EXPECT_GE(steady_now_ns(), end_ns);
}

TEST(ThreadTransport, AnAbortReachesEveryRankAndTheFirstErrorCounts) {
  const auto endpoints = connect_threads(3);
  EXPECT_FALSE(endpoints[2]->aborted().has_value());
  endpoints[1]->abort({ErrorCode::kIo, "first"});
  endpoints[0]->abort({ErrorCode::kIo, "second"});
  for (const auto& endpoint : endpoints) EXPECT_EQ(endpoint->aborted()->message, "first");
  endpoints[2]->wait_until(steady_now_ns() + 30'000'000'000);  // returns at once
}

TEST(RunOnThreads, ReturnsTheFirstErrorOfAnyRank) {
  const Status status = run_on_threads(3, [](Endpoint& endpoint) -> Status {
    if (endpoint.rank() == 1) return invalid("rank 1 does not want to");
    while (!endpoint.aborted()) endpoint.wait_until(steady_now_ns() + 1'000'000'000);
    return {};
  });
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message, "rank 1 does not want to");
}

TEST(RunOnThreads, ThrowsABugOfARankHere) {
  EXPECT_THROW(static_cast<void>(run_on_threads(2,
                                                [](Endpoint& endpoint) -> Status {
                                                  PIPELOOM_THROW_UNLESS(endpoint.rank() != 1);
                                                  return {};
                                                })),
               std::logic_error);
}

TEST(RunOnThreads, TellsOfAThreadThatDoesNotEndAfterAnAbort) {
  std::atomic<bool> may_end = false;
  std::string told;
  const auto stuck_rank = [&](Endpoint& endpoint) -> Status {
    if (endpoint.rank() == 0) return invalid("rank 1 is stuck");
    while (!may_end) std::this_thread::yield();
    return {};
  };
  const auto on_stuck = [&](const Error& error) {
    told = error.message;
    may_end = true;
  };
  const Status status = run_on_threads(2, stuck_rank, on_stuck, std::chrono::milliseconds(20));
  EXPECT_EQ(told, "rank 1 is stuck");
  EXPECT_FALSE(status.has_value());
}

}  // namespace
}  // namespace pipeloom::backend
