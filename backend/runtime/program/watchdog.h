#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "backend/runtime/program/heartbeat.h"
#include "backend/transport/endpoint.h"

namespace pipeloom::backend {

// Ends the run where a rank's thread is stuck in its own work: computation that does not end, a disk that hangs. (A
// thread that waits for others has a deadline of its own.)
class Watchdog {
 public:
  // Both outlive it. `patience_ns`: longer than any single task.
  Watchdog(const Heartbeat& heartbeat, Endpoint& endpoint, int64_t patience_ns);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void watch();

  const Heartbeat& heartbeat_;
  Endpoint& endpoint_;
  int64_t patience_ns_;
  std::mutex mutex_;
  std::condition_variable over_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace pipeloom::backend
