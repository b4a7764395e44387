#include "backend/runtime/replica_exchange.h"

#include <fmt/format.h>

#include "backend/runtime/wire.h"

namespace pipeloom {

namespace {

MessageTag tag_of(int64_t step, int stage, size_t range, bool weights) {
  return {static_cast<int32_t>(step), stage, static_cast<int32_t>(range), weights ? 1 : 0};
}

}  // namespace

ReplicaExchange::ReplicaExchange(ChunkRun& chunk, const Layout& layout, const Placement& placement, RunRank rank,
                                 Endpoint& endpoint)
    : chunk_(chunk), endpoint_(endpoint) {
  const auto group = [&](bool routed) { return reduction_group(layout, placement, chunk.stage(), rank, routed); };
  const int64_t own = chunk.maths().own_size();
  shared_ = {{0, own, group(false)}, {own, chunk.maths().size() - own, group(true)}};
}

// Sends to a member, and expects the same of it.
void ReplicaExchange::exchange(const Shared& shared, int member, const MessageTag& tag, std::vector<std::byte> bytes,
                               Gather& gather) {
  endpoint_.send(shared.group.members[member], Channel::kReduction, {tag, 0, std::move(bytes)});
  gather.expect(shared.group.members[member], Channel::kReduction, tag);
}

void ReplicaExchange::send_gradients(int64_t step, Gather& gather) {
  for (size_t range = 0; range < shared_.size(); ++range) {
    const Shared& shared = shared_[range];
    for (int member = 0; member < shared.members(); ++member) {
      if (member == shared.group.place) continue;
      const auto [begin, count] = shared.part(member);
      exchange(shared, member, tag_of(step, chunk_.stage(), range, false), chunk_.state().sums_of(begin, count),
               gather);
    }
  }
}

Status ReplicaExchange::add_gradients(Gather& gather, size_t& next) {
  for (const Shared& shared : shared_) {
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

void ReplicaExchange::optimize_and_send(const AdamOptions& options, int64_t step, Gather& gather) {
  for (size_t range = 0; range < shared_.size(); ++range) {
    const Shared& shared = shared_[range];
    const auto [begin, count] = shared.part(shared.group.place);
    chunk_.state().optimize(options, step + 1, begin, count);
    const std::span<const float> own = chunk_.state().weights().subspan(begin, count);
    for (int member = 0; member < shared.members(); ++member) {
      if (member == shared.group.place) continue;
      exchange(shared, member, tag_of(step, chunk_.stage(), range, true), to_bytes(own), gather);
    }
  }
  chunk_.state().clear_sums();
}

Status ReplicaExchange::take_weights(Gather& gather, size_t& next) {
  for (const Shared& shared : shared_) {
    for (int member = 0; member < shared.members(); ++member) {
      if (member == shared.group.place) continue;
      const auto [begin, count] = shared.part(member);
      PIPELOOM_CHECK_OK(from_bytes(gather.message(next++).bytes, chunk_.state().weights().subspan(begin, count)));
    }
  }
  return {};
}

}  // namespace pipeloom
