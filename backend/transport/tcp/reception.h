#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "backend/transport/tcp/handshake.h"

namespace pipeloom::backend {

// Who has proven that it belongs to the run, and what it says of itself.
struct Member {
  int rank = 0;
  int ranks = 0;
  int port = 0;  // on which it listens
  boost::asio::ip::tcp::socket socket;
};

// Lets connections in that prove that they belong to the run, all side by side: one that is silent or slow delays no
// other. What proves nothing in time is dropped and named, and so is the oldest unproven connection if there are too
// many. Works while the io_context runs. One thread.
class Reception : public std::enable_shared_from_this<Reception> {
 public:
  // `own` outlives it. `on_stranger` is told whom it drops and why, seldom enough for a log.
  static std::shared_ptr<Reception> open(boost::asio::io_context& io, boost::asio::ip::tcp::acceptor acceptor,
                                         const Membership& own, std::function<void(const std::string&)> on_stranger);
  // Takes no more connections and drops the unproven ones.
  void close();

  int port() const;
  // The next member, if one has come.
  std::optional<Member> next();

 private:
  struct Guest;
  using GuestPlace = std::shared_ptr<Guest>;

  Reception(boost::asio::io_context& io, boost::asio::ip::tcp::acceptor acceptor, const Membership& own,
            std::function<void(const std::string&)> on_stranger);
  void accept();
  void accept_later();
  void welcome(boost::asio::ip::tcp::socket socket);
  void take_hello(const GuestPlace& guest);
  void take_response(const GuestPlace& guest);
  void admit(const GuestPlace& guest);
  void drop(const GuestPlace& guest, const std::string& why);
  void leave(const GuestPlace& guest);

  boost::asio::io_context& io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  const Membership& own_;
  std::function<void(const std::string&)> on_stranger_;
  std::list<GuestPlace> guests_;  // the oldest first
  std::deque<Member> members_;
  int64_t dropped_ = 0;
  bool closed_ = false;
};

}  // namespace pipeloom::backend
