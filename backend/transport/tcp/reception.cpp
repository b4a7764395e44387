#include "backend/transport/tcp/reception.h"

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

namespace pipeloom::backend {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds kTimeToProve{5};
// Unproven connections beside one of each rank. Few, because a process has 1024 files by default.
constexpr size_t kMostStrangers = 128;
// After a failed accept, which without a pause could be the next one's too: no file is free.
constexpr std::chrono::milliseconds kPause{50};
// So many strangers are named one by one, then every tenth, hundredth, ...
constexpr int64_t kNamed = 10;

bool is_named(int64_t number) {
  while (number > kNamed && number % kNamed == 0) number /= kNamed;
  return number <= kNamed;
}

std::string address_of(const tcp::socket& socket) {
  error_code error;
  const tcp::endpoint endpoint = socket.remote_endpoint(error);
  return error ? "an address that is gone" : fmt::format("{} port {}", endpoint.address().to_string(), endpoint.port());
}

}  // namespace

struct Reception::Guest {
  Guest(asio::io_context& io, tcp::socket connection, const Membership& own)
      : socket(std::move(connection)), deadline(io, kTimeToProve), address(address_of(socket)), handshake(own) {}

  tcp::socket socket;
  asio::steady_timer deadline;
  std::string address;
  ListenerHandshake handshake;
  Hello hello;
  Challenge challenge;
  Response response;
  bool gone = false;  // dropped, or a member: what was begun for it counts no more
};

Reception::Reception(asio::io_context& io, tcp::acceptor acceptor, const Membership& own,
                     std::function<void(const std::string&)> on_stranger)
    : io_(io), acceptor_(std::move(acceptor)), pause_(io), own_(own), on_stranger_(std::move(on_stranger)) {}

std::shared_ptr<Reception> Reception::open(asio::io_context& io, tcp::acceptor acceptor, const Membership& own,
                                           std::function<void(const std::string&)> on_stranger) {
  std::shared_ptr<Reception> reception(new Reception(io, std::move(acceptor), own, std::move(on_stranger)));
  reception->accept();
  return reception;
}

void Reception::close() {
  closed_ = true;
  error_code none;
  acceptor_.close(none);
  pause_.cancel();
  while (!guests_.empty()) leave(guests_.front());
}

int Reception::port() const {
  return acceptor_.local_endpoint().port();
}

std::optional<Member> Reception::next() {
  if (members_.empty()) return std::nullopt;
  Member member = std::move(members_.front());
  members_.pop_front();
  return member;
}

void Reception::accept() {
  acceptor_.async_accept([self = shared_from_this()](const error_code& error, tcp::socket socket) {
    if (self->closed_) return;
    if (error) return self->accept_later();
    self->welcome(std::move(socket));
    self->accept();
  });
}

void Reception::accept_later() {
  // Half of them, so that many strangers don't hold up a rank for long.
  for (size_t left = guests_.size() / 2; guests_.size() > left;) {
    drop(guests_.front(), "it has proven nothing, and room is needed for other connections");
  }
  pause_.expires_after(kPause);
  pause_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error && !self->closed_) self->accept();
  });
}

void Reception::welcome(tcp::socket socket) {
  if (guests_.size() >= kMostStrangers + static_cast<size_t>(own_.ranks)) {
    drop(guests_.front(), "it has proven nothing, and room is needed for other connections");
  }
  const auto guest = std::make_shared<Guest>(io_, std::move(socket), own_);
  guests_.push_back(guest);
  guest->deadline.async_wait([self = shared_from_this(), guest](const error_code& error) {
    if (!error && !guest->gone) {
      self->drop(guest, fmt::format("it has proven nothing for {} s", kTimeToProve.count()));
    }
  });
  asio::async_read(guest->socket, asio::buffer(&guest->hello, sizeof guest->hello),
                   [self = shared_from_this(), guest](const error_code& error, size_t) {
                     if (guest->gone) return;
                     if (error) return self->drop(guest, "it said no hello: " + error.message());
                     self->take_hello(guest);
                   });
}

void Reception::take_hello(const GuestPlace& guest) {
  const auto challenge = guest->handshake.answer(guest->hello);
  if (!challenge) return drop(guest, challenge.error().message);
  guest->challenge = *challenge;
  asio::async_write(guest->socket, asio::buffer(&guest->challenge, sizeof guest->challenge),
                    [self = shared_from_this(), guest](const error_code& error, size_t) {
                      if (guest->gone) return;
                      if (error) return self->drop(guest, error.message());
                      self->take_response(guest);
                    });
}

void Reception::take_response(const GuestPlace& guest) {
  asio::async_read(guest->socket, asio::buffer(&guest->response, sizeof guest->response),
                   [self = shared_from_this(), guest](const error_code& error, size_t) {
                     if (guest->gone) return;
                     if (error)
                       return self->drop(guest, "it left the challenge without a response: " + error.message());
                     const Status admitted = guest->handshake.admit(guest->response);
                     if (!admitted) return self->drop(guest, admitted.error().message);
                     self->admit(guest);
                   });
}

void Reception::admit(const GuestPlace& guest) {
  asio::async_write(guest->socket, asio::buffer(kHelloMagic),
                    [self = shared_from_this(), guest](const error_code& error, size_t) {
                      if (guest->gone) return;
                      if (error) return self->drop(guest, error.message());
                      self->members_.push_back(
                          {guest->hello.rank, guest->hello.ranks, guest->response.port, std::move(guest->socket)});
                      self->leave(guest);
                    });
}

void Reception::drop(const GuestPlace& guest, const std::string& why) {
  ++dropped_;
  if (is_named(dropped_) && on_stranger_) {
    const std::string so_far = dropped_ > kNamed ? fmt::format(" ({} so far)", dropped_) : "";
    on_stranger_(fmt::format("rank {}: dropped the connection of {}: {}{}", own_.rank, guest->address, why, so_far));
  }
  leave(guest);
}

void Reception::leave(const GuestPlace& guest) {
  guest->gone = true;
  guest->deadline.cancel();
  error_code none;
  guest->socket.close(none);
  guests_.remove(GuestPlace(guest));  // a copy: `guest` may be the one of the list
}

}  // namespace pipeloom::backend
