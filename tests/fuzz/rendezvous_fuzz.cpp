// Somebody sends these bytes to the port on which rank 0 waits for the others: nothing crashes, nobody is let in, and
// the connection is gone soon after.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "backend/transport/tcp/reception.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pipeloom::backend;
  namespace asio = boost::asio;
  asio::io_context io;
  const Membership own = {0, 4, "a run", "a secret"};
  bool dropped = false;
  const auto reception = Reception::open(io, asio::ip::tcp::acceptor(io, {asio::ip::address_v4::loopback(), 0}), own,
                                         [&](const std::string&) { dropped = true; });
  const int stranger = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(reception->port()));
  if (connect(stranger, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  // A reset at the end leaves no port behind that waits.
  const linger reset{1, 0};
  setsockopt(stranger, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  [[maybe_unused]] const ssize_t sent = send(stranger, data, size, MSG_NOSIGNAL);
  shutdown(stranger, SHUT_WR);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!dropped) {
    if (std::chrono::steady_clock::now() > give_up || reception->next()) std::abort();
    io.run_one_for(std::chrono::milliseconds(10));
  }
  if (reception->next()) std::abort();
  reception->close();
  close(stranger);
  io.restart();
  io.poll();
  return 0;
}
