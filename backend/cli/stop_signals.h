#pragma once

#include <signal.h>

#include <array>

namespace pipeloom::backend {

// SIGTERM and SIGINT as the wish that the run stops at the end of its step. If the process is still there `grace_s`
// seconds after the first of them, or at once after a second one, it ends without saving anything, with exit code 128 +
// the signal's number. At most one object in a process: signals have one handler.
class StopSignals {
 public:
  explicit StopSignals(int grace_s);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // From now on. Until then the signals end the process. Any thread, any number of times.
  void listen();
  // The signal's number; 0: none has come.
  int received() const;

 private:
  std::array<struct sigaction, 3> before_ = {};
  bool listens_ = false;
};

}  // namespace pipeloom::backend
