#include "backend/runtime/program/watchdog.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace pipeloom::backend {

namespace {

// It looks so many times within the patience, but not all the time.
constexpr int64_t kLooks = 20;
constexpr std::chrono::nanoseconds kShortest{1'000'000};

}  // namespace

Watchdog::Watchdog(const Heartbeat& heartbeat, Endpoint& endpoint, int64_t patience_ns)
    : heartbeat_(heartbeat), endpoint_(endpoint), patience_ns_(patience_ns), thread_([this] { watch(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  over_.notify_one();
  thread_.join();
}

void Watchdog::watch() {
  const auto pause = std::max(kShortest, std::chrono::nanoseconds(patience_ns_ / kLooks));
  std::unique_lock lock(mutex_);
  while (!over_.wait_for(lock, pause, [&] { return ended_; })) {
    const int64_t since_ns = heartbeat_.since_ns();
    if (since_ns == 0 || steady_now_ns() - since_ns < patience_ns_) continue;
    endpoint_.abort({ErrorCode::kDeadlock, fmt::format("rank {}: {} has not ended for {:.1f} s", endpoint_.rank(),
                                                       heartbeat_.what(), static_cast<double>(patience_ns_) / 1e9)});
    return;
  }
}

}  // namespace pipeloom::backend
