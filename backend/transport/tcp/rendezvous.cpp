#include "backend/transport/tcp/rendezvous.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "backend/transport/tcp/reception.h"

namespace pipeloom::backend {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using TimePoint = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds kTryAgain{100};   // rank 0 may not be there yet
constexpr std::chrono::seconds kTimeForHandshake{5};  // of whoever listens; it may be no rank at all
constexpr std::chrono::seconds kTimeForRefusal{5};

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
  while (!result && io.run_one() > 0) {
  }
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

// For connections of both families, where there are two; of this machine alone if rank 0's host is.
Result<tcp::acceptor> listen(asio::io_context& io, const TcpWorld& world, int port) {
  error_code error;
  std::vector<asio::ip::address> addresses = {asio::ip::address_v6::any(), asio::ip::address_v4::any()};
  if (is_loopback(world.host)) {
    const auto address = asio::ip::make_address(world.host, error);
    addresses = {error ? asio::ip::address(asio::ip::address_v4::loopback()) : address};
  }
  for (const asio::ip::address& address : addresses) {
    tcp::acceptor acceptor(io);
    const tcp::endpoint endpoint(address, static_cast<unsigned short>(port));
    acceptor.open(endpoint.protocol(), error);
    if (error) continue;
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (address.is_v6() && address.is_unspecified()) acceptor.set_option(asio::ip::v6_only(false), error);
    acceptor.bind(endpoint, error);
    if (error == asio::error::address_in_use) break;
    if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (!error) return acceptor;
  }
  return failed(world, fmt::format("can't listen on port {}", port), error);
}

// Whether the other side has closed a connection on which it has nothing to say yet.
bool is_closed(tcp::socket& socket) {
  error_code error;
  char byte = 0;
  socket.non_blocking(true, error);
  socket.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, error);
  error_code none;
  socket.non_blocking(false, none);
  return error && error != asio::error::would_block;
}

class Rendezvous {
 public:
  Rendezvous(asio::io_context& io, const TcpWorld& world, int64_t patience_ns,
             const std::function<void(const std::string&)>& on_remark)
      : io_(io),
        world_(world),
        own_{world.rank, world.ranks, world.run, world.secret},
        until_(std::chrono::steady_clock::now() + std::chrono::nanoseconds(patience_ns)),
        on_remark_(on_remark) {
    for (int rank = 0; rank < world.ranks; ++rank) sockets_.emplace_back(io);
  }
  ~Rendezvous() {
    if (reception_) reception_->close();
    io_.restart();
    io_.poll();  // what was closed lets go of it
  }
  Rendezvous(const Rendezvous&) = delete;
  Rendezvous& operator=(const Rendezvous&) = delete;

  Result<std::vector<tcp::socket>> run() {
    PIPELOOM_RETURN_IF_ERROR(world_.rank == 0 ? host() : join());
    for (int rank = 0; rank < world_.ranks; ++rank) {
      error_code gone;  // the connections will say so
      if (rank != world_.rank) sockets_[rank].set_option(tcp::no_delay(true), gone);
    }
    return std::move(sockets_);
  }

 private:
  // --- rank 0 ---

  Status host() {
    PIPELOOM_RETURN_IF_ERROR(open_reception(world_.port));
    std::vector<Place> places(world_.ranks);
    while (!all_after_this_came()) {
      const auto member = accept();
      if (!member) {
        for (tcp::socket& socket : sockets_) {
          if (socket.is_open()) refuse(socket, member.error().message);
        }
        return tl::unexpected<Error>(member.error());
      }
      Place& place = places[member->rank];
      error_code error;
      const std::string address = sockets_[member->rank].remote_endpoint(error).address().to_string();
      place = {};
      address.copy(place.address.data(), place.address.size() - 1);
      place.port = member->port;
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
    write_value(io_, socket, answer, until_ + kTimeForRefusal);
  }

  Status open_reception(int port) {
    PIPELOOM_TRY(tcp::acceptor acceptor, listen(io_, world_, port));
    reception_ = Reception::open(io_, std::move(acceptor), own_, on_remark_);
    return {};
  }

  bool all_after_this_came() const {
    return std::all_of(sockets_.begin() + world_.rank + 1, sockets_.end(),
                       [](const tcp::socket& socket) { return socket.is_open(); });
  }

  // What the next member says of itself; its connection is in its place.
  struct Accepted {
    int rank = 0;
    int port = 0;
  };
  Result<Accepted> accept() {
    while (true) {
      io_.restart();
      std::optional<Member> member;
      while (!(member = reception_->next()) && io_.run_one_until(until_) > 0) {
      }
      if (!member) return fail(ErrorCode::kDeadlock, missing_text());
      if (const Status fits = check(*member); !fits) {
        refuse(member->socket, fits.error().message);
        return tl::unexpected<Error>(fits.error());
      }
      sockets_[member->rank] = std::move(member->socket);
      return Accepted{member->rank, member->port};
    }
  }

  // A member whose connection was lost while the ranks meet may come again.
  Status check(const Member& member) {
    if (member.ranks != world_.ranks) {
      return invalid(fmt::format("rank {} was started as one of {} processes, rank {} as one of {} (WORLD_SIZE)",
                                 member.rank, member.ranks, world_.rank, world_.ranks));
    }
    const bool expected = member.rank > world_.rank && member.rank < world_.ranks;
    if (expected && (!sockets_[member.rank].is_open() || is_closed(sockets_[member.rank]))) return {};
    return invalid(fmt::format("two processes were started as rank {} (RANK)", member.rank));
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
    PIPELOOM_RETURN_IF_ERROR(open_reception(0));
    PIPELOOM_RETURN_IF_ERROR(connect(0, world_.host, world_.port));
    Answer answer;
    // Rank 0 gives up first, and says whom it missed.
    if (const auto error = read_value(io_, sockets_[0], answer, until_ + kTimeForRefusal)) {
      return failed(world_, "rank 0 did not answer", error);
    }
    answer.refusal.back() = 0;
    if (answer.refusal[0] != 0) return invalid(answer.refusal.data());
    for (int rank = 1; rank < world_.ranks; ++rank) {
      Place place;
      if (const auto error = read_value(io_, sockets_[0], place, until_)) {
        return failed(world_, "rank 0 did not say where the others are", error);
      }
      place.address.back() = 0;
      if (rank < world_.rank) PIPELOOM_RETURN_IF_ERROR(connect(rank, place.address.data(), place.port));
    }
    while (!all_after_this_came()) PIPELOOM_RETURN_IF_ERROR(accept());
    return {};
  }

  // Tries until the rank has proven itself there, or it is too late. Whoever else listens there is named once.
  Status connect(int rank, const std::string& host, int port) {
    bool named = false;
    while (true) {
      const Status joined = connect_once(rank, host, port);
      if (joined) return {};
      const bool stranger = joined.error().code != ErrorCode::kIo;
      if (stranger && !named && on_remark_) {
        on_remark_(joined.error().message + (world_.secret.empty() ? "" : ": is the secret the same on both?"));
      }
      named = named || stranger;
      if (std::chrono::steady_clock::now() + kTryAgain >= until_) return joined;
      sockets_[rank] = tcp::socket(io_);
      asio::steady_timer pause(io_, kTryAgain);
      bool over = false;
      pause.async_wait([&](const error_code&) { over = true; });
      io_.restart();
      while (!over && io_.run_one() > 0) {
      }
    }
  }

  Status connect_once(int rank, const std::string& host, int port) {
    const auto until = std::min(until_, std::chrono::steady_clock::now() + kTimeForHandshake);
    const std::string place = fmt::format("{} port {}", host, port);
    const auto unreachable = [&](const error_code& error) { return failed(world_, "can't reach " + place, error); };
    tcp::socket& socket = sockets_[rank];
    error_code error;
    const auto endpoints = tcp::resolver(io_).resolve(host, std::to_string(port), error);
    if (error) return unreachable(error);
    error = await(io_, socket, until, [&](auto done) { asio::async_connect(socket, endpoints, done); });
    ConnectorHandshake handshake(own_, rank);
    if (!error) error = write_value(io_, socket, handshake.hello(), until);
    Challenge challenge;
    if (!error) error = read_value(io_, socket, challenge, until);
    if (error) return unreachable(error);
    const auto response = handshake.respond(challenge, reception_->port());
    if (!response) {
      return invalid(fmt::format("rank {}: {}: {}", world_.rank, place, response.error().message));
    }
    std::array<char, kHelloMagic.size()> welcome = {};
    error = write_value(io_, socket, *response, until);
    if (!error) error = read_value(io_, socket, welcome, until);
    if (error) return unreachable(error);
    return {};
  }

  asio::io_context& io_;
  const TcpWorld& world_;
  Membership own_;
  TimePoint until_;
  const std::function<void(const std::string&)>& on_remark_;
  std::vector<tcp::socket> sockets_;  // [rank]
  std::shared_ptr<Reception> reception_;
};

}  // namespace

Result<std::vector<tcp::socket>> rendezvous(asio::io_context& io, const TcpWorld& world, int64_t patience_ns,
                                            const std::function<void(const std::string&)>& on_remark) {
  return Rendezvous(io, world, patience_ns, on_remark).run();
}

}  // namespace pipeloom::backend
