#include "planner/cli/interrupt.h"

#include <csignal>

namespace pipeloom::planner {

namespace {

// A handler can reach nothing but what is static.
std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not wait");

void raise_flag(int) {
  interrupted = true;
  std::signal(SIGINT, SIG_DFL);
}

}  // namespace

Interrupt::Interrupt() {
  interrupted = false;
  before_ = std::signal(SIGINT, raise_flag);
}

Interrupt::~Interrupt() {
  std::signal(SIGINT, before_);
}

const std::atomic<bool>* Interrupt::flag() const {
  return &interrupted;
}

}  // namespace pipeloom::planner
