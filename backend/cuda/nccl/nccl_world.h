#pragma once

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/device/program/communicators.h"
#include "backend/transport/endpoint.h"
#include "core/base/result.h"

namespace pipeloom::backend {

struct NcclOptions {
  int max_ctas = 32;             // SMs that a communicator's kernels take; a power of two (nccl_ctas)
  bool small_partition = false;  // of SMs: no thread block clusters
  int64_t patience_ns = 60'000'000'000;
};

// This rank's communicators: the world and those of the plan that it is a member of. Non-blocking: nothing waits longer
// than the patience or after another rank has given up. Calls come from the rank's thread alone, whose current device
// is the rank's. Never run on more than one GPU.
class NcclWorld {
 public:
  // Every rank calls it together. `plan` and `endpoint` outlive the world.
  static Result<std::unique_ptr<NcclWorld>> connect(Endpoint& endpoint, const CommunicatorPlan& plan,
                                                    const NcclOptions& options);
  // Communicators that were not finished are aborted.
  ~NcclWorld();
  NcclWorld(const NcclWorld&) = delete;
  NcclWorld& operator=(const NcclWorld&) = delete;

  // By its number in the plan. REQUIRES: this rank is a member.
  ncclComm_t communicator(int number) const;
  ncclComm_t world() const { return world_; }
  int rank() const { return endpoint_.rank(); }
  const CommunicatorPlan& plan() const { return plan_; }

  // What went wrong on any communicator since; asked between launches and while the device is waited for.
  Status poll();
  // After calls on `communicator` in a group or alone: until they are on their stream.
  Status wait_until_enqueued(ncclComm_t communicator, const char* what);
  // Ends all communicators at once, so that no kernel of theirs waits any longer.
  void abort();
  // At the end of a run that went well, on every rank together.
  Status finish();

 private:
  NcclWorld(Endpoint& endpoint, const CommunicatorPlan& plan, const NcclOptions& options)
      : endpoint_(endpoint), plan_(plan), options_(options), communicators_(plan.communicators.size(), nullptr) {}

  Status start(const ncclUniqueId& id);
  Status split(int round);
  Status wait(ncclComm_t& communicator, const std::string& what);
  ncclConfig_t config() const;

  Endpoint& endpoint_;
  const CommunicatorPlan& plan_;
  NcclOptions options_;
  ncclComm_t world_ = nullptr;
  std::vector<ncclComm_t> communicators_;  // [of the plan]; null where this rank is no member
};

}  // namespace pipeloom::backend
