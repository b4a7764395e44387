#include "backend/transport/stuck.h"

#include <thread>

namespace pipeloom::backend {

namespace {

constexpr std::chrono::milliseconds kLook{10};  // how often to look whether the run has ended

}  // namespace

void watch_for_stuck(const std::latch& ended, Endpoint& endpoint, const std::function<void(const Error&)>& on_stuck,
                     std::chrono::nanoseconds time_to_end) {
  std::chrono::nanoseconds since_abort{0};
  while (!ended.try_wait()) {
    std::this_thread::sleep_for(kLook);
    const auto error = endpoint.aborted();
    if (error) since_abort += kLook;
    if (error && since_abort >= time_to_end) return on_stuck(*error);
  }
}

}  // namespace pipeloom::backend
