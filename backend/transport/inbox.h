#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "backend/transport/message.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// What has arrived for one rank. Any thread may put; one takes and waits.
class Inbox {
 public:
  explicit Inbox(int ranks) : queues_(static_cast<size_t>(ranks) * kChannels) {}

  void put(int source, Channel channel, Message message);
  std::optional<Message> try_take(int source, Channel channel);
  // As Endpoint::wait_until.
  void wait_until(int64_t time_ns);

  void abort(const Error& error);
  std::optional<Error> aborted();

 private:
  std::deque<Message>& queue(int source, Channel channel) {
    return queues_[static_cast<size_t>(source) * kChannels + static_cast<size_t>(channel)];
  }

  std::mutex mutex_;
  std::condition_variable news_came_;
  bool news_ = false;
  std::vector<std::deque<Message>> queues_;  // [source][channel]
  std::optional<Error> aborted_;
};

}  // namespace pipeloom::backend
