#include "backend/transport/inbox.h"

#include <chrono>

#include "backend/transport/endpoint.h"

namespace pipeloom::backend {

int64_t steady_now_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Inbox::put(int source, Channel channel, Message message) {
  {
    const std::lock_guard lock(mutex_);
    queue(source, channel).push_back(std::move(message));
    news_ = true;
  }
  news_came_.notify_one();
}

std::optional<Message> Inbox::try_take(int source, Channel channel) {
  const std::lock_guard lock(mutex_);
  std::deque<Message>& messages = queue(source, channel);
  if (messages.empty()) return std::nullopt;
  Message message = std::move(messages.front());
  messages.pop_front();
  return message;
}

void Inbox::wait_until(int64_t time_ns) {
  const std::chrono::steady_clock::time_point time{std::chrono::nanoseconds(time_ns)};
  std::unique_lock lock(mutex_);
  news_came_.wait_until(lock, time, [&] { return news_ || aborted_.has_value(); });
  news_ = false;
}

void Inbox::abort(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (!aborted_) aborted_ = error;
  }
  news_came_.notify_one();
}

std::optional<Error> Inbox::aborted() {
  const std::lock_guard lock(mutex_);
  return aborted_;
}

}  // namespace pipeloom::backend
