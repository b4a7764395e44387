// Rank 0 of two, whose other rank sends these bytes over a real connection: nothing crashes, nothing that the limits
// don't allow arrives, and the run ends.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <thread>

#include "backend/transport/tcp/connections.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pipeloom::backend;
  constexpr uint64_t kMostBytes = 256;
  std::array<int, 2> ends = {};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) std::abort();
  auto io = std::make_unique<boost::asio::io_context>();
  std::vector<boost::asio::ip::tcp::socket> sockets;
  sockets.emplace_back(*io);
  sockets.emplace_back(*io);
  sockets[1].assign(boost::asio::ip::tcp::v4(), ends[0]);
  const std::jthread peer([&] {
    [[maybe_unused]] const ssize_t sent = send(ends[1], data, size, MSG_NOSIGNAL);
    shutdown(ends[1], SHUT_WR);
  });
  {
    const auto endpoint = endpoint_over(std::move(io), std::move(sockets), 0, MessageLimits::same(kMostBytes));
    constexpr int64_t kLong_ns = 10'000'000'000;
    const int64_t give_up_ns = steady_now_ns() + kLong_ns;
    // A goodbye is a good end; everything else is an error.
    while (!endpoint->aborted() && !endpoint->left(1, std::chrono::nanoseconds(0))) {
      if (steady_now_ns() > give_up_ns) std::abort();
      endpoint->wait_until(steady_now_ns() + 1'000'000);
    }
    for (int channel = 0; channel < kChannels; ++channel) {
      while (const auto message = endpoint->try_receive(1, static_cast<Channel>(channel))) {
        if (message->bytes.size() > kMostBytes) std::abort();
      }
    }
  }
  close(ends[1]);
  return 0;
}
