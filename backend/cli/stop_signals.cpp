#include "backend/cli/stop_signals.h"

#include <unistd.h>

#include <atomic>
#include <mutex>
#include <string_view>

namespace pipeloom::backend {

namespace {

constexpr std::array kSignals = {SIGTERM, SIGINT, SIGALRM};

// What handlers can reach: they have no arguments.
std::atomic<int> first_signal = 0;
std::atomic<int> grace_seconds = 0;
static_assert(std::atomic<int>::is_always_lock_free, "handlers may not wait");
std::mutex listening;

[[noreturn]] void end_at_once(int number) {
  constexpr std::string_view kWords = "pipeloom-run: ended by a signal before the step did; nothing was saved\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kWords.data(), kWords.size());
  constexpr int kSignalled = 128;  // as a shell says it
  _exit(kSignalled + number);
}

extern "C" void handle(int number) {
  int none = 0;
  const bool is_first = first_signal.compare_exchange_strong(none, number);
  if (!is_first || number == SIGALRM) end_at_once(number == SIGALRM ? first_signal.load() : number);
  alarm(static_cast<unsigned>(grace_seconds.load()));
}

}  // namespace

StopSignals::StopSignals(int grace_s) {
  first_signal = 0;
  grace_seconds = grace_s;
}

StopSignals::~StopSignals() {
  if (!listens_) return;
  alarm(0);
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

void StopSignals::listen() {
  const std::lock_guard lock(listening);
  if (listens_) return;
  listens_ = true;
  struct sigaction action = {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &action, &before_[i]);
}

int StopSignals::received() const {
  return first_signal;
}

}  // namespace pipeloom::backend
