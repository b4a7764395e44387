// NCCL's kernels: they wait for each other on their streams, then move data.
#include <algorithm>
#include <cstring>

#include "tests/backend/cuda/emulation/runtime/nccl.h"
#include "tests/backend/cuda/emulation/runtime/streams.h"

namespace pipeloom::emulation {

namespace {

constexpr double kBytesPerNs = 50;
constexpr int64_t kStartNs = 5000;

size_t size_of(ncclDataType_t type) {
  switch (type) {
    case ncclChar:
    case ncclUint8:
      return 1;
    case ncclInt64:
    case ncclUint64:
    case ncclDouble:
      return 8;
    default:
      return 4;
  }
}

template <typename Number>
void add_up(void* sum, const std::vector<const void*>& parts, size_t offset, size_t count, ncclRedOp_t reduction) {
  std::vector<Number> result(count);
  for (size_t part = 0; part < parts.size(); ++part) {
    const auto* numbers = static_cast<const Number*>(parts[part]) + offset;
    for (size_t i = 0; i < count; ++i) {
      result[i] = part == 0              ? numbers[i]
                  : reduction == ncclMax ? std::max(result[i], numbers[i])
                  : reduction == ncclMin ? std::min(result[i], numbers[i])
                                         : static_cast<Number>(result[i] + numbers[i]);
    }
  }
  std::memcpy(sum, result.data(), count * sizeof(Number));
}

void reduce(void* sum, const std::vector<const void*>& parts, size_t offset, const Request& request) {
  switch (request.type) {
    case ncclChar:
      return add_up<int8_t>(sum, parts, offset, request.count, request.reduction);
    case ncclUint8:
      return add_up<uint8_t>(sum, parts, offset, request.count, request.reduction);
    case ncclInt32:
      return add_up<int32_t>(sum, parts, offset, request.count, request.reduction);
    case ncclInt64:
      return add_up<int64_t>(sum, parts, offset, request.count, request.reduction);
    case ncclUint64:
      return add_up<uint64_t>(sum, parts, offset, request.count, request.reduction);
    case ncclDouble:
      return add_up<double>(sum, parts, offset, request.count, request.reduction);
    default:
      return add_up<float>(sum, parts, offset, request.count, request.reduction);
  }
}

void finish(const Arrived& arrived, int64_t end_ns) {
  arrived.kernel->end_ns = std::max(arrived.kernel->end_ns, end_ns);
  if (--*arrived.open == 0 && !arrived.kernel->ended) machine().end(*arrived.kernel);
}

// Some time after all have come: what is read must not change, and what is written not be read, until then.
void move_later(const std::vector<Arrived>& members, const std::function<void()>& move) {
  int64_t begin_ns = 0;
  for (const Arrived& member : members) begin_ns = std::max(begin_ns, member.kernel->begin_ns);
  const auto bytes = static_cast<double>(members[0].request.count * size_of(members[0].request.type));
  const int64_t end_ns = begin_ns + kStartNs + static_cast<int64_t>(bytes / kBytesPerNs);
  Work work;
  work.run = [=](Op&) {
    const bool dropped = std::ranges::any_of(members, [](const Arrived& member) { return member.owner->aborted; });
    if (!dropped) move();
    for (const Arrived& member : members) {
      if (!member.owner->aborted) finish(member, end_ns);
    }
    return true;
  };
  machine().add(std::move(work), members[0].kernel->device, {});
}

std::string described(const Request& request) {
  return std::to_string(request.count) + " numbers of " + std::to_string(size_of(request.type)) + " bytes";
}

void match_messages(Clique& clique, std::pair<int, int> edge) {
  auto& sends = clique.sends[edge];
  auto& receives = clique.receives[edge];
  while (!sends.empty() && !receives.empty()) {
    const Request& send = sends.front().request;
    const Request& receive = receives.front().request;
    const size_t bytes = send.count * size_of(send.type);
    if (bytes != receive.count * size_of(receive.type)) {
      machine().complain("NCCL: a message of " + described(send) + " is received as " + described(receive));
      return;  // and hangs
    }
    move_later({sends.front(), receives.front()},
               [to = receive.to, from = send.from, bytes] { std::memcpy(to, from, bytes); });
    sends.pop_front();
    receives.pop_front();
  }
}

bool same_collective(const Request& a, const Request& b) {
  const bool rooted = a.kind == Request::Kind::kReduce || a.kind == Request::Kind::kBroadcast;
  return a.kind == b.kind && a.count == b.count && a.type == b.type && a.reduction == b.reduction &&
         (!rooted || a.peer == b.peer);
}

// Sums are added up in the order of the ranks.
void run_collective(const std::vector<Arrived>& members) {
  const Request& first = members[0].request;
  const size_t bytes = first.count * size_of(first.type);
  std::vector<const void*> parts;
  for (const Arrived& member : members) parts.push_back(member.request.from);
  std::vector<std::vector<std::byte>> results(members.size());
  for (size_t rank = 0; rank < members.size(); ++rank) {
    auto& result = results[rank];
    const bool is_root = static_cast<int>(rank) == first.peer;
    result.resize(bytes);
    switch (first.kind) {
      case Request::Kind::kReduce:
        if (!is_root) {
          result.clear();
          break;
        }
        [[fallthrough]];
      case Request::Kind::kAllReduce:
        reduce(result.data(), parts, 0, first);
        break;
      case Request::Kind::kReduceScatter:
        reduce(result.data(), parts, rank * first.count, first);
        break;
      case Request::Kind::kBroadcast:
        std::memcpy(result.data(), parts[static_cast<size_t>(first.peer)], bytes);
        break;
      case Request::Kind::kAllGather:
        result.clear();
        for (const void* part : parts) {
          const auto* begin = static_cast<const std::byte*>(part);
          result.insert(result.end(), begin, begin + bytes);
        }
        break;
      case Request::Kind::kSend:
      case Request::Kind::kReceive:
        break;
    }
  }
  for (size_t rank = 0; rank < members.size(); ++rank) {
    if (!results[rank].empty()) std::memcpy(members[rank].request.to, results[rank].data(), results[rank].size());
  }
}

void match_collectives(Clique& clique) {
  while (std::ranges::none_of(clique.collectives, [](const auto& waiting) { return waiting.empty(); })) {
    std::vector<Arrived> members;
    for (auto& waiting : clique.collectives) members.push_back(waiting.front());
    for (const Arrived& member : members) {
      if (same_collective(member.request, members[0].request)) continue;
      machine().complain("NCCL: ranks call different collectives: " + described(members[0].request) + ", " +
                         described(member.request));
      return;  // and hang
    }
    for (auto& waiting : clique.collectives) waiting.pop_front();
    move_later(members, [members] { run_collective(members); });
  }
}

void arrive(Arrived arrived) {
  Clique& clique = *arrived.owner->clique;
  const int rank = arrived.owner->rank;
  const int peer = arrived.request.peer;
  switch (arrived.request.kind) {
    case Request::Kind::kSend:
      clique.sends[{rank, peer}].push_back(std::move(arrived));
      return match_messages(clique, {rank, peer});
    case Request::Kind::kReceive:
      clique.receives[{peer, rank}].push_back(std::move(arrived));
      return match_messages(clique, {peer, rank});
    default:
      clique.collectives[static_cast<size_t>(rank)].push_back(std::move(arrived));
      return match_collectives(clique);
  }
}

void launch(const Batch& batch) {
  const ncclComm_t communicator = batch.communicator;
  Work work;
  work.kind = Work::Kind::kNccl;
  work.name = "NCCL";
  work.run = [communicator, requests = batch.requests](Op& op) {
    if (communicator->aborted) return true;
    check_default_stream_is_idle(op);
    op.end_ns = op.begin_ns;
    const auto open = std::make_shared<int>(static_cast<int>(requests.size()));
    const OpPtr own = op.shared_from_this();
    // Ending the op ends this function's captures.
    const std::vector<Request> all = requests;
    for (const Request& request : all) arrive({request, communicator, own, open});
    return false;
  };
  batch.stream->waits.push_back(communicator->last);
  OpPtr op;
  if (enqueue(batch.stream, std::move(work), &op) == cudaSuccess && op) {
    communicator->last = op;
    std::erase_if(communicator->running, [](const OpPtr& other) { return other->ended; });
    communicator->running.push_back(op);
  } else {
    communicator->error = ncclUnhandledCudaError;
  }
}

// Connections are made when both sides have asked for each other; all sides where a collective is asked for.
bool is_connected(const Batch& batch) {
  Clique& clique = *batch.communicator->clique;
  const int own = batch.communicator->rank;
  return std::ranges::all_of(batch.requests, [&](const Request& request) {
    if (request.is_message()) return clique.contacts.contains({request.peer, own});
    for (int rank = 0; rank < batch.communicator->ranks(); ++rank) {
      if (!clique.contacts.contains({rank, -1})) return false;
    }
    return true;
  });
}

}  // namespace

bool try_launch(Group& group) {
  for (const Batch& batch : group.batches) {
    if (batch.communicator->aborted) group.launched = true;
  }
  if (group.launched) return false;
  for (const Batch& batch : group.batches) {
    for (const Request& request : batch.requests) {
      batch.communicator->clique->contacts.insert({batch.communicator->rank, request.is_message() ? request.peer : -1});
    }
  }
  if (!std::ranges::all_of(group.batches, is_connected)) return false;
  group.launched = true;
  for (const Batch& batch : group.batches) launch(batch);
  return true;
}

void drop_arrived(ncclComm_t communicator) {
  Clique& clique = *communicator->clique;
  const auto drop = [&](std::deque<Arrived>& waiting) {
    std::erase_if(waiting, [&](const Arrived& arrived) { return arrived.owner == communicator; });
  };
  for (auto& [edge, waiting] : clique.sends) drop(waiting);
  for (auto& [edge, waiting] : clique.receives) drop(waiting);
  drop(clique.collectives[static_cast<size_t>(communicator->rank)]);
}

}  // namespace pipeloom::emulation
