#pragma once

#include <optional>

#include "backend/transport/message.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// One rank's connection to all the others. Used by the rank's thread alone, but for abort() and aborted().
class Endpoint {
 public:
  virtual ~Endpoint() = default;

  virtual int rank() const = 0;
  virtual int ranks() const = 0;

  // Hands the message over and returns; never waits for the receiver.
  virtual void send(int target, Channel channel, Message message) = 0;
  // The next message of `channel` from `source`, if it has arrived.
  virtual std::optional<Message> try_receive(int source, Channel channel) = 0;
  // Returns when a message has arrived since the last call, at `time_ns` of the steady clock, or when the run is
  // aborted.
  virtual void wait_until(int64_t time_ns) = 0;

  // Ends the run on every rank; the first error counts.
  virtual void abort(const Error& error) = 0;
  virtual std::optional<Error> aborted() = 0;
};

// ns of the steady clock, which all ranks of one machine share.
int64_t steady_now_ns();

}  // namespace pipeloom::backend
