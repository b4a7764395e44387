#pragma once

#include <chrono>
#include <functional>
#include <latch>

#include "backend/transport/endpoint.h"

namespace pipeloom::backend {

// A thread that computes does not notice that the run was aborted; it has so long to end.
inline constexpr std::chrono::seconds kTimeToEnd{5};

// Returns when all threads have ended, or when `on_stuck` has been told that some have not `time_to_end` after the run
// was aborted. Threads can't be ended from outside: it may leave the process.
void watch_for_stuck(const std::latch& ended, Endpoint& endpoint, const std::function<void(const Error&)>& on_stuck,
                     std::chrono::nanoseconds time_to_end);

}  // namespace pipeloom::backend
