#include "tests/backend/cuda/emulation/runtime/nccl.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "tests/backend/cuda/emulation/runtime/streams.h"

namespace pipeloom::emulation {

namespace {

// Questions that something in progress stays in progress for, at most.
constexpr uint64_t kQuestions = 4;

struct Split {
  int color = 0;
  int key = 0;
  ncclComm_t* made = nullptr;
  ncclComm_t parent = nullptr;
};

struct World {
  std::map<std::array<char, NCCL_UNIQUE_ID_BYTES>, std::shared_ptr<Clique>> by_id;
  std::vector<std::unique_ptr<ncclComm>> all;  // also those that have ended: kernels may still refer to them
  std::set<ncclComm_t> live;
  std::map<std::pair<Clique*, int>, std::vector<Split>> splits;  // by number of the call
  std::vector<std::shared_ptr<Group>> groups;                    // that are not launched
  uint64_t ids = 0;
};
World world;

thread_local int group_depth = 0;
thread_local Group this_threads_group;

ncclComm_t make_communicator(std::shared_ptr<Clique> clique, int rank, int device) {
  auto made = std::make_unique<ncclComm>();
  made->clique = std::move(clique);
  made->rank = rank;
  made->device = device;
  made->patience = static_cast<int>(machine().random(kQuestions));
  const ncclComm_t handle = made.get();
  handle->clique->members[static_cast<size_t>(rank)] = handle;
  world.all.push_back(std::move(made));
  world.live.insert(handle);
  return handle;
}

std::shared_ptr<Clique> make_clique(size_t ranks) {
  auto clique = std::make_shared<Clique>();
  clique->members.resize(ranks, nullptr);
  clique->collectives.resize(ranks);
  return clique;
}

// When the last rank has called: one communicator for each colour, its ranks by key, then by their old rank.
void split_all(const std::vector<Split>& calls) {
  std::map<int, std::vector<Split>> by_color;
  for (const Split& call : calls) {
    if (call.color != NCCL_SPLIT_NOCOLOR) by_color[call.color].push_back(call);
  }
  for (auto& [color, members] : by_color) {
    std::ranges::sort(members, {}, [](const Split& member) { return std::pair(member.key, member.parent->rank); });
    const auto clique = make_clique(members.size());
    for (size_t rank = 0; rank < members.size(); ++rank) {
      const ncclComm_t made = make_communicator(clique, static_cast<int>(rank), members[rank].parent->device);
      std::atomic_ref(*members[rank].made).store(made);
    }
  }
  for (const Split& call : calls) call.parent->open_split = -1;
}

bool is_finalized(const ncclComm& communicator) {
  return communicator.clique->finalized == communicator.ranks() && (!communicator.last || communicator.last->ended);
}

bool is_idle(const ncclComm& communicator) {
  if (std::ranges::count(communicator.clique->members, nullptr) > 0 || communicator.open_split >= 0) return false;
  if (communicator.group && !communicator.group->launched) return false;
  return !communicator.finalizing || is_finalized(communicator);
}

ncclResult_t state_of(ncclComm& communicator) {
  if (communicator.error != ncclSuccess) return communicator.error;
  if (communicator.patience > 0) {
    --communicator.patience;
    return ncclInProgress;
  }
  return is_idle(communicator) ? ncclSuccess : ncclInProgress;
}

// What NCCL's threads do: sooner or later.
bool launch_groups() {
  bool moved = false;
  for (const auto& group : world.groups) {
    if (machine().random(2) == 0) moved = try_launch(*group) || moved;
  }
  std::erase_if(world.groups, [](const auto& group) { return group->launched; });
  return moved;
}

void busy(ncclComm& communicator) {
  communicator.patience = static_cast<int>(machine().random(kQuestions));
}

ncclResult_t end_group() {
  auto group = std::make_shared<Group>(std::exchange(this_threads_group, {}));
  if (group->batches.empty()) return ncclSuccess;
  for (const Batch& batch : group->batches) {
    batch.communicator->group = group;
    busy(*batch.communicator);
  }
  world.groups.push_back(group);
  machine().set_background(launch_groups);
  return ncclInProgress;
}

// Outside of a group a call is one of its own.
ncclResult_t ask(const Request& request, ncclComm_t communicator, cudaStream_t handle) {
  const auto lock = machine().lock();
  if (!is_communicator(communicator)) return ncclInvalidArgument;
  if (communicator->error != ncclSuccess) return communicator->error;
  // Before an earlier call has returned success (NCCL documentation, fault tolerance) the communicator can't be used.
  if (!is_idle(*communicator)) return ncclInvalidArgument;
  const cudaStream_t stream = stream_of(handle);
  if (stream == nullptr || stream->device != communicator->device) return ncclInvalidArgument;
  if (stream->capture) return ncclInvalidUsage;
  const bool has_root =
      request.is_message() || request.kind == Request::Kind::kReduce || request.kind == Request::Kind::kBroadcast;
  if (has_root && (request.peer < 0 || request.peer >= communicator->ranks())) return ncclInvalidArgument;
  auto& batches = this_threads_group.batches;
  auto batch = std::ranges::find(batches, communicator, &Batch::communicator);
  if (batch == batches.end()) batch = batches.insert(batches.end(), {communicator, stream, {}});
  if (batch->stream != stream) return ncclInvalidUsage;
  batch->requests.push_back(request);
  return group_depth > 0 ? ncclSuccess : end_group();
}

}  // namespace

bool is_communicator(ncclComm_t communicator) {
  return world.live.contains(communicator);
}

void reset_nccl() {
  world = {};
  machine().set_background(nullptr);
}

std::vector<std::string> leaked_nccl() {
  if (world.live.empty()) return {};
  return {std::to_string(world.live.size()) + " communicators"};
}

}  // namespace pipeloom::emulation

using namespace pipeloom::emulation;  // NOLINT: NCCL's own functions follow

ncclResult_t ncclGetVersion(int* version) {
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  const auto lock = machine().lock();
  *id = {};
  const uint64_t number = ++world.ids;
  std::memcpy(id->internal, &number, sizeof number);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* communicator, int ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  const auto lock = machine().lock();
  if (rank < 0 || rank >= ranks || config->magic != 0xcafebeef || config->blocking != 0) return ncclInvalidArgument;
  std::array<char, NCCL_UNIQUE_ID_BYTES> key = {};
  std::ranges::copy(id.internal, key.begin());
  auto& clique = world.by_id[key];
  if (!clique) clique = make_clique(static_cast<size_t>(ranks));
  if (clique->members.size() != static_cast<size_t>(ranks)) return ncclInvalidArgument;
  for (const ncclComm_t other : clique->members) {
    if (other != nullptr && (other->device == current_device() || other->rank == rank)) return ncclInvalidUsage;
  }
  *communicator = make_communicator(clique, rank, current_device());
  return ncclInProgress;
}

ncclResult_t ncclCommSplit(ncclComm_t communicator, int color, int key, ncclComm_t* made, ncclConfig_t* config) {
  const auto lock = machine().lock();
  if (!is_communicator(communicator) || !is_idle(*communicator)) return ncclInvalidArgument;
  if (config->blocking != 0 || (color < 0 && color != NCCL_SPLIT_NOCOLOR)) return ncclInvalidArgument;
  communicator->open_split = communicator->splits++;
  busy(*communicator);
  auto& calls = world.splits[{communicator->clique.get(), communicator->open_split}];
  calls.push_back({color, key, made, communicator});
  if (static_cast<int>(calls.size()) == communicator->ranks()) split_all(calls);
  return ncclInProgress;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t communicator, ncclResult_t* state) {
  const auto lock = machine().lock();
  if (!is_communicator(communicator)) return ncclInvalidArgument;
  machine().progress();
  *state = state_of(*communicator);
  return ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t communicator) {
  const auto lock = machine().lock();
  if (!is_communicator(communicator) || communicator->finalizing) return ncclInvalidArgument;
  communicator->finalizing = true;
  ++communicator->clique->finalized;
  busy(*communicator);
  return ncclInProgress;
}

ncclResult_t ncclCommDestroy(ncclComm_t communicator) {
  const auto lock = machine().lock();
  if (!is_communicator(communicator) || !communicator->finalizing) return ncclInvalidArgument;
  world.live.erase(communicator);
  return ncclSuccess;
}

// Ends this rank's kernels, wherever they wait. Those of others go on waiting.
ncclResult_t ncclCommAbort(ncclComm_t communicator) {
  const auto lock = machine().lock();
  if (!is_communicator(communicator)) return ncclInvalidArgument;
  communicator->aborted = true;
  world.live.erase(communicator);
  drop_arrived(communicator);
  for (const OpPtr& kernel : std::exchange(communicator->running, {})) {
    if (kernel->begun && !kernel->ended) machine().end(*kernel);
  }
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess:
      return "no error";
    case ncclInProgress:
      return "NCCL operation in progress";
    case ncclInvalidArgument:
      return "invalid argument";
    case ncclInvalidUsage:
      return "invalid usage";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    default:
      return "unhandled error";
  }
}
const char* ncclGetLastError(ncclComm_t /*communicator*/) {
  return "emulated";
}

ncclResult_t ncclGroupStart() {
  ++group_depth;
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd() {
  const auto lock = machine().lock();
  if (group_depth == 0) return ncclInvalidUsage;
  return --group_depth == 0 ? end_group() : ncclSuccess;
}

ncclResult_t ncclSend(const void* from, size_t count, ncclDataType_t type, int peer, ncclComm_t communicator,
                      cudaStream_t stream) {
  return ask({Request::Kind::kSend, from, nullptr, count, type, ncclSum, peer}, communicator, stream);
}
ncclResult_t ncclRecv(void* to, size_t count, ncclDataType_t type, int peer, ncclComm_t communicator,
                      cudaStream_t stream) {
  return ask({Request::Kind::kReceive, nullptr, to, count, type, ncclSum, peer}, communicator, stream);
}
ncclResult_t ncclAllReduce(const void* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t reduction,
                           ncclComm_t communicator, cudaStream_t stream) {
  return ask({Request::Kind::kAllReduce, from, to, count, type, reduction, -1}, communicator, stream);
}
ncclResult_t ncclReduce(const void* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t reduction, int root,
                        ncclComm_t communicator, cudaStream_t stream) {
  return ask({Request::Kind::kReduce, from, to, count, type, reduction, root}, communicator, stream);
}
ncclResult_t ncclBroadcast(const void* from, void* to, size_t count, ncclDataType_t type, int root,
                           ncclComm_t communicator, cudaStream_t stream) {
  return ask({Request::Kind::kBroadcast, from, to, count, type, ncclSum, root}, communicator, stream);
}
ncclResult_t ncclAllGather(const void* from, void* to, size_t count, ncclDataType_t type, ncclComm_t communicator,
                           cudaStream_t stream) {
  return ask({Request::Kind::kAllGather, from, to, count, type, ncclSum, -1}, communicator, stream);
}
ncclResult_t ncclReduceScatter(const void* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t reduction,
                               ncclComm_t communicator, cudaStream_t stream) {
  return ask({Request::Kind::kReduceScatter, from, to, count, type, reduction, -1}, communicator, stream);
}
