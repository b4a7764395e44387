#pragma once

#include <atomic>

namespace pipeloom::planner {

// While one is alive, the first Ctrl-C (SIGINT) raises its flag instead of ending the program, so that a search keeps
// what it has found; a second one ends it as usual. At most one at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  const std::atomic<bool>* flag() const;
  bool raised() const { return flag()->load(); }

 private:
  void (*before_)(int);
};

}  // namespace pipeloom::planner
