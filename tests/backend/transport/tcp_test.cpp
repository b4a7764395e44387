#include <gtest/gtest.h>

#include <thread>

#include "backend/transport/tcp/tcp_endpoint.h"
#include "tests/backend/transport/free_port.h"

namespace pipeloom::backend {
namespace {

constexpr int64_t kPatience_ns = 10'000'000'000;

// Each world on a thread of its own, as if they were processes; what became of each, or "" where all went well.
template <typename Function>
std::vector<std::string> run(const std::vector<TcpWorld>& worlds, int64_t patience_ns, const Function& function) {
  std::vector<std::string> errors(worlds.size());
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < worlds.size(); ++i) {
      threads.emplace_back([&, i] {
        auto endpoint = connect_tcp(worlds[i], MessageLimits::same(1 << 20), patience_ns);
        if (!endpoint) {
          errors[i] = endpoint.error().message;
        } else {
          function(**endpoint);
          if (const auto error = (*endpoint)->aborted()) errors[i] = error->message;
        }
      });
    }
  }
  return errors;
}

std::vector<TcpWorld> worlds(int ranks) {
  const int port = tests::free_port();
  std::vector<TcpWorld> all;
  for (int rank = 0; rank < ranks; ++rank) all.push_back({rank, ranks, "localhost", port, "a run", "a secret"});
  return all;
}

Message numbered(int number, size_t bytes = 0) {
  Message message;
  message.tag.micro_batch = number;
  message.ready_ns = number * 1'000;
  message.bytes.assign(bytes, static_cast<std::byte>(number));
  return message;
}

Message receive(Endpoint& endpoint, int source, Channel channel) {
  while (true) {
    if (auto message = endpoint.try_receive(source, channel)) return std::move(*message);
    if (endpoint.aborted()) return numbered(-1);
    endpoint.wait_until(steady_now_ns() + kPatience_ns);
  }
}

TEST(TcpTransport, EveryRankReachesEveryOtherInOrder) {
  const auto errors = run(worlds(4), kPatience_ns, [](Endpoint& endpoint) {
    for (int rank = 0; rank < endpoint.ranks(); ++rank) {
      for (int i = 0; i < 5; ++i) {
        endpoint.send(rank, Channel::kForward, numbered(i, i * 100'000));
        endpoint.send(rank, Channel::kBackward, numbered(10 * endpoint.rank() + i));
      }
    }
    for (int rank = 0; rank < endpoint.ranks(); ++rank) {
      for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(receive(endpoint, rank, Channel::kBackward).tag.micro_batch, 10 * rank + i);
        const Message message = receive(endpoint, rank, Channel::kForward);
        EXPECT_EQ(message.tag.micro_batch, i);
        EXPECT_EQ(message.ready_ns, i * 1'000);
        EXPECT_EQ(message.bytes, numbered(i, i * 100'000).bytes);
      }
    }
  });
  EXPECT_EQ(errors, std::vector<std::string>(4));
}

TEST(TcpTransport, AnAbortReachesEveryRank) {
  const auto errors = run(worlds(3), kPatience_ns, [](Endpoint& endpoint) {
    if (endpoint.rank() == 1) endpoint.abort({ErrorCode::kInvalid, "rank 1 does not want to"});
    while (!endpoint.aborted()) endpoint.wait_until(steady_now_ns() + kPatience_ns);
  });
  EXPECT_EQ(errors, std::vector<std::string>(3, "rank 1 does not want to"));
}

TEST(TcpTransport, SaysWhoDoesNotCome) {
  std::vector<TcpWorld> two = worlds(3);
  two.pop_back();
  const auto errors = run(two, 300'000'000, [](Endpoint&) {});
  EXPECT_EQ(errors, std::vector<std::string>(2, "rank 0: waited in vain for rank 2 to connect"));
}

TEST(TcpTransport, SaysWhereRank0IsNotFound) {
  std::vector<TcpWorld> alone = {worlds(2)[1]};
  const auto errors = run(alone, 300'000'000, [](Endpoint&) {});
  EXPECT_TRUE(errors[0].starts_with("rank 1: can't reach localhost port ")) << errors[0];
}

TEST(TcpTransport, RefusesWhoeverWasStartedOtherwise) {
  std::vector<TcpWorld> twice = worlds(3);
  twice[2].rank = 1;
  for (const std::string& error : run(twice, 1'000'000'000, [](Endpoint&) {})) {
    EXPECT_NE(error.find("RANK"), std::string::npos) << error;
  }
  std::vector<TcpWorld> many = worlds(2);
  many[1].ranks = 5;
  for (const std::string& error : run(many, 1'000'000'000, [](Endpoint&) {})) {
    EXPECT_EQ(error, "rank 1 was started as one of 5 processes, rank 0 as one of 2 (WORLD_SIZE)");
  }
}

}  // namespace
}  // namespace pipeloom::backend
