#include "backend/runtime/training/replica_exchange.h"

#include <fmt/format.h>

#include <algorithm>

#include "backend/runtime/messages/message_bytes.h"

namespace pipeloom::backend {

namespace {

MessageTag tag_of(int64_t step, int about, bool weights) {
  return {static_cast<int32_t>(step), about, 0, weights ? 1 : 0};
}

}  // namespace

ReplicaExchange::ReplicaExchange(ChunkRun& chunk, const Layout& layout, const Placement& placement, RunRank rank,
                                 Endpoint& endpoint, Format moments, bool copies_tokens)
    : chunk_(chunk),
      endpoint_(endpoint),
      shared_(shared_numbers(chunk.maths(), chunk.stage(), layout, placement, rank, copies_tokens)) {
  std::vector<NumberRange> parts;
  for (const SharedNumbers& shared : shared_) {
    const auto [begin, count] = shared.part(shared.group.place);
    parts.push_back({begin, count});
  }
  chunk.state().own_moments(parts, moments);
}

// Sends to a member, and expects the same of it.
int64_t ReplicaExchange::exchange(const SharedNumbers& shared, int member, const MessageTag& tag,
                                  std::vector<std::byte> bytes, Gather& gather) {
  const auto size = static_cast<int64_t>(bytes.size());
  endpoint_.send(shared.group.members[member], Channel::kReduction, {tag, 0, std::move(bytes)});
  gather.expect(shared.group.members[member], Channel::kReduction, tag);
  return size;
}

int64_t ReplicaExchange::send_gradients(int64_t step, Gather& gather) {
  int64_t bytes = 0;
  for (const SharedNumbers& shared : shared_) {
    for (int member = 0; member < shared.members(); ++member) {
      if (member == shared.group.place) continue;
      const auto [begin, count] = shared.part(member);
      bytes +=
          exchange(shared, member, tag_of(step, shared.about, false), chunk_.state().sums_of(begin, count), gather);
    }
  }
  return bytes;
}

Status ReplicaExchange::add_gradients(Gather& gather, size_t& next) {
  for (const SharedNumbers& shared : shared_) {
    const auto [begin, count] = shared.part(shared.group.place);
    const std::vector<std::byte> own = chunk_.state().sums_of(begin, count);
    std::vector<std::vector<std::byte>> replicas;
    for (int member = 0; member < shared.members(); ++member) {
      std::vector<std::byte>& replica = replicas.emplace_back();
      if (member == shared.group.place) {
        replica = own;
      } else {
        replica = std::move(gather.message(next++).bytes);
      }
      if (replica.size() == own.size()) continue;
      return invalid(fmt::format("gradient reduction of stage {}: rank {} sent {} bytes; expected are {}",
                                 chunk_.stage(), shared.group.members[member], replica.size(), own.size()));
    }
    chunk_.state().set_sums(begin, count, replicas);
  }
  return {};
}

Status ReplicaExchange::add_squares(SquareSum& squares) const {
  for (const SharedNumbers& shared : shared_) {
    const auto [begin, count] = shared.part(shared.group.place);
    PIPELOOM_RETURN_IF_ERROR(chunk_.state().add_squares(begin, count, squares));
  }
  return {};
}

void ReplicaExchange::remember() {
  remembered_weights_.clear();
  remembered_moments_ = chunk_.state().moments();
  for (const Moments& part : remembered_moments_) {
    const auto weights = chunk_.state().weights().subspan(part.range().begin, part.range().count);
    remembered_weights_.emplace_back(weights.begin(), weights.end());
  }
}

void ReplicaExchange::undo() {
  for (size_t i = 0; i < remembered_weights_.size(); ++i) {
    std::ranges::copy(remembered_weights_[i], chunk_.state().weights().begin() + remembered_moments_[i].range().begin);
  }
  chunk_.state().moments() = remembered_moments_;
}

int64_t ReplicaExchange::optimize_and_send(const AdamOptions& options, const LoadBalance& balance, int64_t step,
                                           double scale, Gather& gather) {
  int64_t bytes = 0;
  for (size_t range = 0; range < shared_.size(); ++range) {
    const SharedNumbers& shared = shared_[range];
    const auto [begin, count] = shared.part(shared.group.place);
    chunk_.state().optimize(options, balance, step + 1, scale, range);
    const std::span<const float> own = chunk_.state().weights().subspan(begin, count);
    for (int member = 0; member < shared.members(); ++member) {
      if (member == shared.group.place) continue;
      bytes += exchange(shared, member, tag_of(step, shared.about, true), to_bytes(own), gather);
    }
  }
  return bytes;
}

Status ReplicaExchange::take_weights(Gather& gather, size_t& next) {
  for (const SharedNumbers& shared : shared_) {
    for (int member = 0; member < shared.members(); ++member) {
      if (member == shared.group.place) continue;
      const auto [begin, count] = shared.part(member);
      PIPELOOM_RETURN_IF_ERROR(
          from_bytes(gather.message(next++).bytes, chunk_.state().weights().subspan(begin, count)));
    }
  }
  return {};
}

}  // namespace pipeloom::backend
