#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace pipeloom::tests {

// Whoever wants to harm a run over TCP and does not know its secret: real connections to real ports of this machine.
// Every kind of attack goes on beside the others until the object is gone.
class Attacker {
 public:
  // `ports` is asked again and again which ports to attack. `ranks`: of the run. `recorded`: what a rank of an earlier
  // run has sent first.
  Attacker(std::function<std::vector<int>()> ports, int ranks, std::string recorded);
  ~Attacker();
  Attacker(const Attacker&) = delete;
  Attacker& operator=(const Attacker&) = delete;

  // Connections that were made so far.
  int64_t connections() const { return connections_; }

 private:
  void repeat(const std::function<void(int port)>& attack);
  void send_once(int port, const std::string& bytes);

  std::function<std::vector<int>()> ports_;
  std::atomic<bool> over_ = false;
  std::atomic<int64_t> connections_ = 0;
  std::vector<std::jthread> threads_;
};

// A port between a rank and the one that it wants to reach: hands on what both say, and records what the rank says.
class Recorder {
 public:
  explicit Recorder(int target_port);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  int port() const { return port_; }
  // What the first rank that came has sent. Its first bytes are its handshake.
  std::string recorded(size_t bytes);

 private:
  void relay(int target_port);

  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> over_ = false;
  std::atomic<size_t> size_ = 0;
  std::string bytes_;
  std::jthread thread_;
};

// The ports of this machine's loopback or of all addresses on which a process listens.
std::vector<int> listening_ports(pid_t process);

}  // namespace pipeloom::tests
