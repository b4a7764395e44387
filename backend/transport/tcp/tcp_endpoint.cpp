#include "backend/transport/tcp/tcp_endpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <span>
#include <thread>

#include "backend/transport/tcp/connections.h"
#include "backend/transport/tcp/rendezvous.h"
#include "backend/transport/tcp/tcp_frame.h"

namespace pipeloom::backend {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// A rank that leaves waits so long for the others to leave too, if the run has failed: until they can know why.
constexpr std::chrono::seconds kTimeToLeave{1};

struct Frame {
  FrameHeader header;
  std::vector<std::byte> bytes;
};

struct Peer {
  explicit Peer(tcp::socket connection) : socket(std::move(connection)) {}

  tcp::socket socket;
  std::deque<Frame> outgoing;  // the first is being written
  Frame incoming;
  bool left = false;    // said goodbye
  bool closed = false;  // nothing more comes or goes
};

class Connections : public TcpEndpoint {
 public:
  Connections(std::unique_ptr<asio::io_context> io, int own_rank, const MessageLimits& limits,
              std::vector<tcp::socket> sockets)
      : TcpEndpoint(own_rank, static_cast<int>(sockets.size())),
        limits_(limits),
        io_(std::move(io)),
        work_(io_->get_executor()) {
    for (tcp::socket& socket : sockets) peers_.emplace_back(std::move(socket));
    peers_[rank()].left = peers_[rank()].closed = true;
    for (int peer = 0; peer < ranks(); ++peer) {
      if (peer != rank()) read(peer);
    }
    io_->restart();
    thread_ = std::thread([this] { io_->run(); });
  }

  ~Connections() override {
    for (int peer = 0; peer < ranks(); ++peer) {
      if (peer != rank()) send_frame(peer, {{.kind = kGoodbyeFrame}, {}});
    }
    std::unique_lock lock(mutex_);
    const auto all_left = [&] {
      return std::ranges::all_of(peers_, [](const Peer& peer) { return peer.closed || peer.left; }) && unsent_ == 0;
    };
    if (aborted()) {
      changed_.wait_for(lock, kTimeToLeave, all_left);
    } else {
      changed_.wait(lock, [&] { return all_left() || aborted().has_value(); });
    }
    lock.unlock();
    work_.reset();
    io_->stop();
    thread_.join();
  }

  bool left(int rank, std::chrono::nanoseconds within) override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, within, [&] { return peers_[rank].left || peers_[rank].closed; });
    return peers_[rank].left;
  }

 protected:
  void send_away(int target, Channel channel, Message message) override {
    send_frame(target, {{static_cast<uint32_t>(channel), message.tag, message.ready_ns, message.bytes.size()},
                        std::move(message.bytes)});
  }
  void send_abort(int target, std::span<const std::byte> text) override {
    const auto sent = text.first(std::min<size_t>(text.size(), kMostAbortBytes));
    send_frame(target, {{.kind = kAbortFrame, .size = sent.size()}, {sent.begin(), sent.end()}});
  }

 private:
  // Any thread.
  void send_frame(int target, Frame frame) {
    {
      const std::lock_guard lock(mutex_);
      ++unsent_;
    }
    asio::post(*io_, [this, target, frame = std::move(frame)]() mutable {
      Peer& peer = peers_[target];
      peer.outgoing.push_back(std::move(frame));
      if (peer.outgoing.size() == 1) write(target);
    });
  }

  // The rest runs on the thread of the connections.

  void write(int target) {
    Peer& peer = peers_[target];
    if (peer.closed) return forget_outgoing(peer);
    const Frame& frame = peer.outgoing.front();
    const std::array<asio::const_buffer, 2> parts = {asio::buffer(&frame.header, sizeof frame.header),
                                                     asio::buffer(frame.bytes)};
    asio::async_write(peer.socket, parts, [this, target](const error_code& error, size_t) {
      Peer& written = peers_[target];
      if (error || written.closed) return close(target, error);
      written.outgoing.pop_front();
      change([&] { --unsent_; });
      if (!written.outgoing.empty()) write(target);
    });
  }

  void read(int source) {
    Frame& frame = peers_[source].incoming;
    asio::async_read(peers_[source].socket, asio::buffer(&frame.header, sizeof frame.header),
                     [this, source](const error_code& error, size_t) {
                       if (error) return close(source, error);
                       const Status allowed = check_frame(peers_[source].incoming.header, limits_);
                       if (!allowed) return refuse(source, allowed.error().message);
                       read_bytes(source);
                     });
  }

  void read_bytes(int source) {
    Frame& frame = peers_[source].incoming;
    frame.bytes.resize(frame.header.size);
    asio::async_read(peers_[source].socket, asio::buffer(frame.bytes), [this, source](const error_code& error, size_t) {
      if (error) return close(source, error);
      take(source, std::move(peers_[source].incoming));
      peers_[source].incoming = {};
      read(source);
    });
  }

  void take(int source, Frame frame) {
    if (const auto channel = channel_of(frame.header)) {
      arrived(source, *channel, {frame.header.tag, frame.header.ready_ns, std::move(frame.bytes)});
    } else if (frame.header.kind == kGoodbyeFrame) {
      change([&] { peers_[source].left = true; });
    } else {
      abort_arrived(frame.bytes);
      change([] {});
    }
  }

  // What a peer has sent can't come in this run: nothing more of it is believed.
  void refuse(int number, const std::string& why) {
    abort({ErrorCode::kIo, fmt::format("rank {} sent rank {} {}", number, rank(), why)});
    close(number, {});
    change([] {});
  }

  void close(int number, const error_code& error) {
    Peer& peer = peers_[number];
    if (peer.closed) return;
    error_code none;
    peer.socket.close(none);
    change([&] { peer.closed = true; });
    forget_outgoing(peer);
    if (peer.left) return;
    abort({ErrorCode::kIo, fmt::format("rank {} is gone: rank {} lost its connection ({})", number, rank(),
                                       error == asio::error::eof ? "closed without goodbye" : error.message())});
    change([] {});
  }

  void forget_outgoing(Peer& peer) {
    change([&] { unsent_ -= static_cast<int64_t>(peer.outgoing.size()); });
    peer.outgoing.clear();
  }

  template <typename Change>
  void change(const Change& change) {
    {
      const std::lock_guard lock(mutex_);
      change();
    }
    changed_.notify_all();
  }

  MessageLimits limits_;
  std::unique_ptr<asio::io_context> io_;
  std::deque<Peer> peers_;  // [rank]
  std::mutex mutex_;        // of Peer::left and closed, and of unsent_
  std::condition_variable changed_;
  int64_t unsent_ = 0;  // frames
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace

bool is_loopback(const std::string& host) {
  if (host == "localhost") return true;
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

Result<std::unique_ptr<TcpEndpoint>> connect_tcp(const TcpWorld& world, const MessageLimits& limits,
                                                 int64_t patience_ns,
                                                 const std::function<void(const std::string&)>& on_remark) {
  auto io = std::make_unique<asio::io_context>();
  PIPELOOM_TRY(std::vector<tcp::socket> sockets, rendezvous(*io, world, patience_ns, on_remark));
  return endpoint_over(std::move(io), std::move(sockets), world.rank, limits);
}

std::unique_ptr<TcpEndpoint> endpoint_over(std::unique_ptr<asio::io_context> io, std::vector<tcp::socket> sockets,
                                           int rank, const MessageLimits& limits) {
  return std::make_unique<Connections>(std::move(io), rank, limits, std::move(sockets));
}

}  // namespace pipeloom::backend
