#include "backend/transport/inbox_endpoint.h"

#include <string>

namespace pipeloom::backend {

void InboxEndpoint::send(int target, Channel channel, Message message) {
  if (target == rank_) return arrived(rank_, channel, std::move(message));
  send_away(target, channel, std::move(message));
}

void InboxEndpoint::abort(const Error& error) {
  inbox_.abort(error);
  if (told_others_.exchange(true)) return;
  for (int rank = 0; rank < ranks_; ++rank) {
    if (rank != rank_) send_abort(rank, std::as_bytes(std::span(error.message)));
  }
}

void InboxEndpoint::abort_arrived(std::span<const std::byte> text) {
  told_others_ = true;
  inbox_.abort({ErrorCode::kIo, std::string(reinterpret_cast<const char*>(text.data()), text.size())});
}

}  // namespace pipeloom::backend
