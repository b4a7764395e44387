#pragma once

#include <vector>

#include "backend/transport/endpoint.h"

namespace pipeloom::backend {

// The messages that a task waits for. Messages of one source and channel come in the order in which they are expected.
class Gather {
 public:
  void expect(int source, Channel channel, const MessageTag& tag) {
    items_.push_back({source, channel, tag, {}, false});
  }

  // Takes what has arrived; whether everything has. Fails where a message is about something else than expected.
  Result<bool> poll(Endpoint& endpoint);
  // Blocks until everything has arrived, or fails: the run was aborted, or something did not come for `patience_ns`.
  // `what` it is, for a message to people: "the loss of the step".
  Status wait(Endpoint& endpoint, int64_t patience_ns, const char* what);

  size_t size() const { return items_.size(); }
  Message& message(size_t number) { return items_[number].message; }
  // Number of the first source that has not sent yet. REQUIRES: not everything has arrived.
  int missing_source() const;

 private:
  struct Item {
    int source = 0;
    Channel channel = Channel::kControl;
    MessageTag tag;
    Message message;
    bool arrived = false;
  };
  bool waits_behind_another(size_t number) const;

  std::vector<Item> items_;
};

}  // namespace pipeloom::backend
