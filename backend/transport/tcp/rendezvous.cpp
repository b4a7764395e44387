#include "backend/transport/tcp/rendezvous.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>
#include <thread>

namespace pipeloom::backend {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using TimePoint = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds kTryAgain{100};  // rank 0 may not be there yet
constexpr std::chrono::seconds kTimeForHello{5};     // of whoever connects; it may be no rank at all

// What a rank says first on every connection. Plain bytes: all are machines of one kind.
struct Hello {
  std::array<char, 8> magic = {'p', 'i', 'p', 'e', 'l', 'o', 'o', 'm'};
  int32_t rank = 0;
  int32_t ranks = 0;
  int32_t port = 0;  // on which the rank listens for those after it
};

// Rank 0's answer: why not, or where each rank listens.
struct Answer {
  std::array<char, 256> refusal = {};  // empty: welcome
};
struct Place {
  std::array<char, 64> address = {};
  int32_t port = 0;
};

// Starts `start(handler)` and waits for its end; `socket` is closed when it is too late.
template <typename Start, typename Socket>
error_code await(asio::io_context& io, Socket& socket, TimePoint until, const Start& start) {
  std::optional<error_code> result;
  start([&](const error_code& error, auto&&...) { result = error; });
  io.restart();
  while (!result && io.run_one_until(until) > 0) {
  }
  if (result) return *result;
  socket.close();
  io.restart();
  io.run();
  return asio::error::timed_out;
}

template <typename Value>
error_code read_value(asio::io_context& io, tcp::socket& socket, Value& value, TimePoint until) {
  return await(io, socket, until,
               [&](auto done) { asio::async_read(socket, asio::buffer(&value, sizeof value), done); });
}

template <typename Value>
error_code write_value(asio::io_context& io, tcp::socket& socket, const Value& value, TimePoint until) {
  return await(io, socket, until,
               [&](auto done) { asio::async_write(socket, asio::buffer(&value, sizeof value), done); });
}

tl::unexpected<Error> failed(const TcpWorld& world, const std::string& what, const error_code& error) {
  return fail(ErrorCode::kIo, fmt::format("rank {}: {}: {}", world.rank, what, error.message()));
}

// For connections of both families, where there are two.
Result<tcp::acceptor> listen(asio::io_context& io, const TcpWorld& world, int port) {
  error_code error;
  for (const auto& protocol : {tcp::v6(), tcp::v4()}) {
    tcp::acceptor acceptor(io);
    acceptor.open(protocol, error);
    if (error) continue;
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (protocol == tcp::v6()) acceptor.set_option(asio::ip::v6_only(false), error);
    acceptor.bind({protocol, static_cast<unsigned short>(port)}, error);
    if (error == asio::error::address_in_use) break;
    if (!error) acceptor.listen(world.ranks, error);
    if (!error) return acceptor;
  }
  return failed(world, fmt::format("can't listen on port {}", port), error);
}

class Rendezvous {
 public:
  Rendezvous(asio::io_context& io, const TcpWorld& world, int64_t patience_ns)
      : io_(io), world_(world), until_(std::chrono::steady_clock::now() + std::chrono::nanoseconds(patience_ns)) {
    for (int rank = 0; rank < world.ranks; ++rank) sockets_.emplace_back(io);
  }

  Result<std::vector<tcp::socket>> run() {
    PIPELOOM_RETURN_IF_ERROR(world_.rank == 0 ? host() : join());
    for (int rank = 0; rank < world_.ranks; ++rank) {
      if (rank != world_.rank) sockets_[rank].set_option(tcp::no_delay(true));
    }
    return std::move(sockets_);
  }

 private:
  // --- rank 0 ---

  Status host() {
    PIPELOOM_TRY(tcp::acceptor acceptor, listen(io_, world_, world_.port));
    std::vector<Place> places(world_.ranks);
    for (int missing = world_.ranks - 1; missing > 0; --missing) {
      const auto hello = accept(acceptor);
      if (!hello) {
        for (tcp::socket& socket : sockets_) {
          if (socket.is_open()) refuse(socket, hello.error().message);
        }
        return tl::unexpected<Error>(hello.error());
      }
      Place& place = places[hello->rank];
      const std::string address = sockets_[hello->rank].remote_endpoint().address().to_string();
      address.copy(place.address.data(), place.address.size() - 1);
      place.port = hello->port;
    }
    for (int rank = 1; rank < world_.ranks; ++rank) {
      error_code error = write_value(io_, sockets_[rank], Answer{}, until_);
      for (int other = 1; other < world_.ranks && !error; ++other) {
        error = write_value(io_, sockets_[rank], places[other], until_);
      }
      if (error) return failed(world_, fmt::format("can't tell rank {} where the others are", rank), error);
    }
    return {};
  }

  void refuse(tcp::socket& socket, const std::string& why) {
    Answer answer;
    why.copy(answer.refusal.data(), answer.refusal.size() - 1);
    write_value(io_, socket, answer, until_ + kTimeForHello);
  }

  // The next rank that says hello; whoever does not speak like one is sent away.
  Result<Hello> accept(tcp::acceptor& acceptor) {
    while (true) {
      tcp::socket socket(io_);
      if (await(io_, acceptor, until_, [&](auto done) { acceptor.async_accept(socket, done); })) {
        return fail(ErrorCode::kDeadlock, missing_text());
      }
      Hello hello;
      const auto until = std::min(until_, std::chrono::steady_clock::now() + kTimeForHello);
      if (read_value(io_, socket, hello, until) || hello.magic != Hello{}.magic) continue;
      if (const Status fits = check(hello); !fits) {
        refuse(socket, fits.error().message);
        return tl::unexpected<Error>(fits.error());
      }
      sockets_[hello.rank] = std::move(socket);
      return hello;
    }
  }

  Status check(const Hello& hello) const {
    if (hello.ranks != world_.ranks) {
      return invalid(fmt::format("rank {} was started as one of {} processes, rank {} as one of {} (WORLD_SIZE)",
                                 hello.rank, hello.ranks, world_.rank, world_.ranks));
    }
    const bool expected = hello.rank > world_.rank && hello.rank < world_.ranks;
    if (expected && !sockets_[hello.rank].is_open()) return {};
    return invalid(fmt::format("two processes were started as rank {} (RANK)", hello.rank));
  }

  std::string missing_text() const {
    std::string missing;
    for (int rank = world_.rank + 1; rank < world_.ranks; ++rank) {
      if (!sockets_[rank].is_open()) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", rank);
    }
    return fmt::format("rank {}: waited in vain for rank {} to connect", world_.rank, missing);
  }

  // --- the others ---

  Status join() {
    PIPELOOM_TRY(tcp::acceptor acceptor, listen(io_, world_, 0));
    const Hello hello{.rank = world_.rank, .ranks = world_.ranks, .port = acceptor.local_endpoint().port()};
    PIPELOOM_RETURN_IF_ERROR(connect(sockets_[0], world_.host, world_.port, hello));
    Answer answer;
    // Rank 0 gives up first, and says whom it missed.
    if (const auto error = read_value(io_, sockets_[0], answer, until_ + kTimeForHello)) {
      return failed(world_, "rank 0 did not answer", error);
    }
    if (answer.refusal[0] != 0) return invalid(answer.refusal.data());
    for (int rank = 1; rank < world_.ranks; ++rank) {
      Place place;
      if (const auto error = read_value(io_, sockets_[0], place, until_)) {
        return failed(world_, "rank 0 did not say where the others are", error);
      }
      if (rank < world_.rank)
        PIPELOOM_RETURN_IF_ERROR(connect(sockets_[rank], place.address.data(), place.port, hello));
    }
    for (int missing = world_.ranks - 1 - world_.rank; missing > 0; --missing)
      PIPELOOM_RETURN_IF_ERROR(accept(acceptor));
    return {};
  }

  Status connect(tcp::socket& socket, const std::string& host, int port, const Hello& hello) {
    while (true) {
      error_code error;
      const auto places = tcp::resolver(io_).resolve(host, std::to_string(port), error);
      if (!error) {
        error = await(io_, socket, until_, [&](auto done) { asio::async_connect(socket, places, done); });
      }
      if (!error) error = write_value(io_, socket, hello, until_);
      if (!error) return {};
      if (std::chrono::steady_clock::now() + kTryAgain >= until_) {
        return failed(world_, fmt::format("can't reach {} port {}", host, port), error);
      }
      socket = tcp::socket(io_);
      std::this_thread::sleep_for(kTryAgain);
    }
  }

  asio::io_context& io_;
  const TcpWorld& world_;
  TimePoint until_;
  std::vector<tcp::socket> sockets_;  // [rank]
};

}  // namespace

Result<std::vector<tcp::socket>> rendezvous(asio::io_context& io, const TcpWorld& world, int64_t patience_ns) {
  return Rendezvous(io, world, patience_ns).run();
}

}  // namespace pipeloom::backend
