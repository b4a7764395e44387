#pragma once

#include <atomic>
#include <cstddef>
#include <span>

#include "backend/transport/endpoint.h"
#include "backend/transport/inbox.h"

namespace pipeloom::backend {

// The endpoint of a rank that is a process of its own: what has arrived lies in an inbox, messages to itself never
// leave the process, and an error is told to the others once.
class InboxEndpoint : public Endpoint {
 public:
  int rank() const final { return rank_; }
  int ranks() const final { return ranks_; }
  void send(int target, Channel channel, Message message) final;
  std::optional<Message> try_receive(int source, Channel channel) final { return inbox_.try_take(source, channel); }
  void wait_until(int64_t time_ns) final { inbox_.wait_until(time_ns); }
  void abort(const Error& error) final;
  std::optional<Error> aborted() final { return inbox_.aborted(); }

 protected:
  InboxEndpoint(int rank, int ranks) : rank_(rank), ranks_(ranks), inbox_(ranks) {}

  // Hands over what goes to another rank: a message, or the text of the error that ends the run. Called by any thread.
  virtual void send_away(int target, Channel channel, Message message) = 0;
  virtual void send_abort(int target, std::span<const std::byte> text) = 0;

  void arrived(int source, Channel channel, Message message) { inbox_.put(source, channel, std::move(message)); }
  // Another rank has ended the run, and tells the rest itself.
  void abort_arrived(std::span<const std::byte> text);
  // Ends the run of this rank alone.
  void abort_here(const Error& error) { inbox_.abort(error); }

 private:
  int rank_;
  int ranks_;
  Inbox inbox_;
  std::atomic<bool> told_others_ = false;
};

}  // namespace pipeloom::backend
