#include "backend/transport/threads.h"

#include <fmt/format.h>

#include <deque>
#include <exception>
#include <latch>
#include <thread>

#include "backend/transport/inbox.h"

namespace pipeloom::backend {

namespace {

using Inboxes = std::deque<Inbox>;

class ThreadEndpoint : public Endpoint {
 public:
  ThreadEndpoint(std::shared_ptr<Inboxes> inboxes, int rank) : inboxes_(std::move(inboxes)), rank_(rank) {}

  int rank() const override { return rank_; }
  int ranks() const override { return static_cast<int>(inboxes_->size()); }
  void send(int target, Channel channel, Message message) override {
    (*inboxes_)[target].put(rank_, channel, std::move(message));
  }
  std::optional<Message> try_receive(int source, Channel channel) override { return own().try_take(source, channel); }
  void wait_until(int64_t time_ns) override { own().wait_until(time_ns); }
  void abort(const Error& error) override {
    for (Inbox& inbox : *inboxes_) inbox.abort(error);
  }
  std::optional<Error> aborted() override { return own().aborted(); }

 private:
  Inbox& own() { return (*inboxes_)[rank_]; }

  std::shared_ptr<Inboxes> inboxes_;  // [rank]
  int rank_;
};

}  // namespace

std::vector<std::unique_ptr<Endpoint>> connect_threads(int ranks) {
  const auto inboxes = std::make_shared<Inboxes>();
  for (int rank = 0; rank < ranks; ++rank) inboxes->emplace_back(ranks);
  std::vector<std::unique_ptr<Endpoint>> endpoints;
  for (int rank = 0; rank < ranks; ++rank) endpoints.push_back(std::make_unique<ThreadEndpoint>(inboxes, rank));
  return endpoints;
}

Status run_on_threads(int ranks, const std::function<Status(Endpoint&)>& rank_main,
                      const std::function<void(const Error&)>& on_stuck, std::chrono::nanoseconds time_to_end) {
  const auto endpoints = connect_threads(ranks);
  std::vector<std::exception_ptr> bugs(ranks);
  std::latch ended(ranks);
  const auto run_rank = [&](int rank) {
    try {
      if (const Status status = rank_main(*endpoints[rank]); !status) endpoints[rank]->abort(status.error());
    } catch (const std::exception& bug) {
      bugs[rank] = std::current_exception();
      endpoints[rank]->abort({ErrorCode::kInvalid, fmt::format("rank {} failed: {}", rank, bug.what())});
    }
    ended.count_down();
  };
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < ranks; ++rank) threads.emplace_back(run_rank, rank);
    if (on_stuck) watch_for_stuck(ended, *endpoints[0], on_stuck, time_to_end);
  }
  for (const std::exception_ptr& bug : bugs) {
    if (bug) std::rethrow_exception(bug);
  }
  if (const auto error = endpoints[0]->aborted()) return tl::unexpected<Error>(*error);
  return {};
}

}  // namespace pipeloom::backend
