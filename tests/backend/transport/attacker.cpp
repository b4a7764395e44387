#include "tests/backend/transport/attacker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "backend/transport/tcp/handshake.h"
#include "backend/transport/tcp/tcp_frame.h"
#include "core/base/check.h"

namespace pipeloom::tests {

namespace {

using backend::FrameHeader;
using backend::Hello;
using backend::Response;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// -1 where nobody listens.
int connected(int port) {
  const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (handle < 0) return -1;
  const sockaddr_in address = loopback(port);
  if (connect(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return handle;
  close(handle);
  return -1;
}

void send_bytes(int handle, const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = send(handle, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<size_t>(count);
  }
}

template <typename Value>
std::string plain(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string garbage(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, 0);
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// A whole handshake of somebody who does not know the secret, and then a frame as a rank sends it.
std::string forged(int rank, int ranks) {
  Hello hello;
  hello.rank = rank;
  hello.ranks = ranks;
  return plain(hello) + plain(Response{1, {}}) + plain(FrameHeader{.kind = 6});
}

std::string huge_frame() {
  return plain(Hello{}) + plain(FrameHeader{.kind = 0xffffffff, .size = uint64_t{1} << 62});
}

void pause(std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);
}

}  // namespace

void Attacker::send_once(int port, const std::string& bytes) {
  const int handle = connected(port);
  if (handle < 0) return;
  ++connections_;
  send_bytes(handle, bytes);
  // It stays long enough to be heard, and closes with what came unread: the other side sees a reset.
  pollfd wait{handle, POLLIN, 0};
  poll(&wait, 1, 20);
  close(handle);
}

void Attacker::repeat(const std::function<void(int port)>& attack) {
  threads_.emplace_back([this, attack] {
    while (!over_) {
      for (const int port : ports_()) attack(port);
      pause(std::chrono::milliseconds(5));
    }
  });
}

Attacker::Attacker(std::function<std::vector<int>()> ports, int ranks, std::string recorded)
    : ports_(std::move(ports)) {
  repeat([this](int port) { send_once(port, garbage(20 + connections_ % 4000, connections_)); });
  repeat([this, ranks](int port) {
    for (int rank = -1; rank <= ranks; ++rank) send_once(port, forged(rank, ranks));
    send_once(port, forged(1, ranks + 1));
    send_once(port, forged(INT32_MAX, INT32_MAX));
  });
  repeat([this](int port) { send_once(port, huge_frame()); });
  repeat([this, recorded = std::move(recorded)](int port) { send_once(port, recorded); });
  // A byte of a hello at a time.
  repeat([this](int port) {
    const int handle = connected(port);
    if (handle < 0) return;
    ++connections_;
    for (const char byte : plain(Hello{})) {
      if (over_) break;
      send_bytes(handle, std::string(1, byte));
      pause(std::chrono::milliseconds(100));
    }
    close(handle);
  });
  // 1,000 connections that say nothing.
  repeat([this](int port) {
    constexpr int kMany = 1000;
    std::vector<int> handles;
    for (int i = 0; i < kMany && !over_; ++i) {
      const int handle = connected(port);
      if (handle < 0) break;
      ++connections_;
      handles.push_back(handle);
    }
    if (!over_) pause(std::chrono::milliseconds(100));
    for (const int handle : handles) close(handle);
  });
}

Attacker::~Attacker() {
  over_ = true;
}

Recorder::Recorder(int target_port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  PIPELOOM_THROW_UNLESS(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  PIPELOOM_THROW_UNLESS(listen(listener_, 1) == 0);
  PIPELOOM_THROW_UNLESS(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  bytes_.resize(1 << 20);
  thread_ = std::jthread([this, target_port] { relay(target_port); });
}

Recorder::~Recorder() {
  over_ = true;
  thread_.join();
  close(listener_);
}

std::string Recorder::recorded(size_t bytes) {
  while (size_ < bytes && !over_) pause(std::chrono::milliseconds(5));
  return bytes_.substr(0, bytes);
}

void Recorder::relay(int target_port) {
  constexpr int kLook_ms = 20;
  pollfd guest{listener_, POLLIN, 0};
  while (!over_ && poll(&guest, 1, kLook_ms) <= 0) {
  }
  const int from = over_ ? -1 : accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  int to = -1;
  while (from >= 0 && !over_ && (to = connected(target_port)) < 0) pause(std::chrono::milliseconds(kLook_ms));
  std::array<pollfd, 2> both = {pollfd{from, POLLIN, 0}, pollfd{to, POLLIN, 0}};
  std::array<char, 65536> buffer;
  bool open = from >= 0 && to >= 0;
  while (open && !over_) {
    if (poll(both.data(), both.size(), kLook_ms) <= 0) continue;
    for (size_t i = 0; i < both.size() && open; ++i) {
      if (both[i].revents == 0) continue;
      const ssize_t count = read(both[i].fd, buffer.data(), buffer.size());
      open = count > 0;
      if (!open) break;
      const auto bytes = static_cast<size_t>(count);
      if (i == 0 && size_ + bytes <= bytes_.size()) {
        std::memcpy(bytes_.data() + size_, buffer.data(), bytes);
        size_ += bytes;
      }
      send_bytes(both[1 - i].fd, {buffer.data(), bytes});
    }
  }
  if (from >= 0) close(from);
  if (to >= 0) close(to);
}

std::vector<int> listening_ports(pid_t process) {
  std::vector<std::string> sockets;  // "socket:[123]"
  const std::filesystem::path folder = "/proc/" + std::to_string(process);
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "fd", gone)) {
    sockets.push_back(std::filesystem::read_symlink(entry, gone).string());
  }
  std::vector<int> ports;
  for (const char* table : {"tcp", "tcp6"}) {
    std::ifstream file(folder / "net" / table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
      std::istringstream words(line);
      std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
      words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode;
      constexpr const char* kListens = "0A";
      if (state != kListens) continue;
      for (const std::string& socket : sockets) {
        if (socket == "socket:[" + inode + "]")
          ports.push_back(std::stoi(local.substr(local.find(':') + 1), nullptr, 16));
      }
    }
  }
  return ports;
}

}  // namespace pipeloom::tests
