#include "backend/cuda/nccl/nccl_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/nccl/nccl_progress.h"
#include "backend/cuda/nccl/unique_id.h"
#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

// Often enough beside what NCCL takes to connect, seldom enough to leave the core to it.
constexpr std::chrono::microseconds kPause{50};

ncclResult_t state_of(ncclComm_t communicator) {
  ncclResult_t state = ncclInternalError;
  const ncclResult_t asked = ncclCommGetAsyncError(communicator, &state);
  return asked == ncclSuccess ? state : asked;
}

}  // namespace

Result<std::unique_ptr<NcclWorld>> NcclWorld::connect(Endpoint& endpoint, const CommunicatorPlan& plan,
                                                      const NcclOptions& options) {
  PIPELOOM_TRY(const ncclUniqueId id, share_unique_id(endpoint, options.patience_ns));
  std::unique_ptr<NcclWorld> world(new NcclWorld(endpoint, plan, options));
  PIPELOOM_RETURN_IF_ERROR(world->start(id));
  for (int round = 0; round < plan.rounds; ++round) PIPELOOM_RETURN_IF_ERROR(world->split(round));
  return world;
}

NcclWorld::~NcclWorld() {
  abort();
}

ncclConfig_t NcclWorld::config() const {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  config.minCTAs = 1;
  config.maxCTAs = options_.max_ctas;
  if (options_.small_partition) config.cgaClusterSize = 1;
  return config;
}

Status NcclWorld::wait(ncclComm_t& communicator, const std::string& what) {
  // A thread of NCCL's fills in a communicator that is split off.
  const auto state = [&] {
    const ncclComm_t made = std::atomic_ref(communicator).load();
    return made == nullptr ? ncclInProgress : state_of(made);
  };
  return wait_for_nccl(
      {state, steady_now_ns, [] { std::this_thread::sleep_for(kPause); }, [&] { return endpoint_.aborted(); }},
      options_.patience_ns, fmt::format("rank {}: {}", rank(), what));
}

Status NcclWorld::start(const ncclUniqueId& id) {
  ncclConfig_t settings = config();
  PIPELOOM_NCCL_CHECK(ncclCommInitRankConfig(&world_, endpoint_.ranks(), id, rank(), &settings));
  return wait(world_, "the communicator of all ranks");
}

// A rank that joins none takes part all the same: the call is the world's.
Status NcclWorld::split(int round) {
  const int number = plan_.joined(rank(), round);
  int place = 0;
  if (number >= 0) {
    const auto& members = plan_.communicators[number].members;
    place = static_cast<int>(std::ranges::find(members, rank()) - members.begin());
  }
  ncclConfig_t settings = config();
  ncclComm_t none = nullptr;
  ncclComm_t& made = number >= 0 ? communicators_[number] : none;
  PIPELOOM_NCCL_CHECK(ncclCommSplit(world_, number >= 0 ? number : NCCL_SPLIT_NOCOLOR, place, &made, &settings));
  const std::string what = fmt::format("the communicators of round {} of {}", round + 1, plan_.rounds);
  PIPELOOM_RETURN_IF_ERROR(wait(world_, what));
  return number < 0 ? Status{} : wait(made, what);
}

ncclComm_t NcclWorld::communicator(int number) const {
  PIPELOOM_THROW_UNLESS(number >= 0 && communicators_[number] != nullptr);
  return communicators_[number];
}

Status NcclWorld::poll() {
  const auto check = [&](ncclComm_t communicator) -> Status {
    if (communicator == nullptr) return {};
    const ncclResult_t state = state_of(communicator);
    if (state == ncclSuccess || state == ncclInProgress) return {};
    return fail(ErrorCode::kIo, fmt::format("rank {}: NCCL says {} ({})", rank(), ncclGetErrorString(state),
                                            ncclGetLastError(communicator)));
  };
  PIPELOOM_RETURN_IF_ERROR(check(world_));
  for (const ncclComm_t communicator : communicators_) PIPELOOM_RETURN_IF_ERROR(check(communicator));
  return {};
}

Status NcclWorld::wait_until_enqueued(ncclComm_t communicator, const char* what) {
  return wait(communicator, what);
}

void NcclWorld::abort() {
  for (ncclComm_t& communicator : communicators_) {
    if (communicator != nullptr) ncclCommAbort(communicator);
    communicator = nullptr;
  }
  if (world_ != nullptr) ncclCommAbort(world_);
  world_ = nullptr;
}

Status NcclWorld::finish() {
  const auto end = [&](ncclComm_t& communicator) -> Status {
    if (communicator == nullptr) return {};
    PIPELOOM_NCCL_CHECK(ncclCommFinalize(communicator));
    PIPELOOM_RETURN_IF_ERROR(wait(communicator, "the end of a communicator"));
    PIPELOOM_NCCL_CHECK(ncclCommDestroy(communicator));
    communicator = nullptr;
    return {};
  };
  for (ncclComm_t& communicator : communicators_) PIPELOOM_RETURN_IF_ERROR(end(communicator));
  return end(world_);
}

}  // namespace pipeloom::backend
