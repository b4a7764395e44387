#include "backend/runtime/replica_exchange.h"

#include <fmt/format.h>

#include <algorithm>

#include "backend/runtime/wire.h"

namespace pipeloom {

namespace {

MessageTag tag_of(int64_t step, int about, bool weights) {
  return {static_cast<int32_t>(step), about, 0, weights ? 1 : 0};
}

}  // namespace

ReplicaExchange::ReplicaExchange(ChunkRun& chunk, const Layout& layout, const Placement& placement, RunRank rank,
                                 Endpoint& endpoint, Format moments, bool shares_tokens)
    : chunk_(chunk), endpoint_(endpoint) {
  const auto group = [&](bool routed) { return reduction_group(layout, placement, chunk.stage(), rank, routed); };
  int64_t shared_so_far = 0;
  const auto share = [&](Content content, int64_t end, ReductionGroup members) {
    // All members say the same of what they exchange, whatever stage they hold it for.
    const int about = content == Content::kTokens ? -1 : 2 * chunk.stage() + (content == Content::kRouted ? 1 : 0);
    shared_.push_back({shared_so_far, end - shared_so_far, std::move(members), about});
    shared_so_far = end;
  };
  const auto tokens = chunk.maths().table(Table::kTokens);
  if (shares_tokens && tokens) {
    PIPELOOM_CHECK(*tokens == 0);
    share(Content::kTokens, chunk.maths().parameters().front().parameter.size(),
          token_table_group(layout, placement, rank));
  }
  share(Content::kOwn, chunk.maths().own_size(), group(false));
  share(Content::kRouted, chunk.maths().size(), group(true));
  std::vector<NumberRange> parts;
  for (const Shared& shared : shared_) {
    const auto [begin, count] = shared.part(shared.group.place);
    parts.push_back({begin, count});
  }
  chunk.state().own_moments(parts, moments);
}

// Sends to a member, and expects the same of it.
int64_t ReplicaExchange::exchange(const Shared& shared, int member, const MessageTag& tag, std::vector<std::byte> bytes,
                                  Gather& gather) {
  const auto size = static_cast<int64_t>(bytes.size());
  endpoint_.send(shared.group.members[member], Channel::kReduction, {tag, 0, std::move(bytes)});
  gather.expect(shared.group.members[member], Channel::kReduction, tag);
  return size;
}

int64_t ReplicaExchange::send_gradients(int64_t step, Gather& gather) {
  int64_t bytes = 0;
  for (const Shared& shared : shared_) {
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

Status ReplicaExchange::add_squares(SquareSum& squares) const {
  for (const Shared& shared : shared_) {
    const auto [begin, count] = shared.part(shared.group.place);
    PIPELOOM_CHECK_OK(chunk_.state().add_squares(begin, count, squares));
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
    const Shared& shared = shared_[range];
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
