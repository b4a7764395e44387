#pragma once

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <memory>
#include <vector>

#include "backend/cuda/green/green_api.h"
#include "backend/device/setup/sm_partition.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// What the device says of how its SMs can be split; the current device is `device`.
Result<SmRules> sm_rules_of(int device);

// The partitions of one GPU: for each rank a green context to compute in and one to communicate in. Streams made here
// run their kernels on their context's SMs alone. Contexts end with the object, streams before them. One thread.
class SmContexts {
 public:
  // Fails where the driver splits the device otherwise than planned, and says into what.
  static Result<std::unique_ptr<SmContexts>> create(int device, const SmPartition& partition);
  ~SmContexts();
  SmContexts(const SmContexts&) = delete;
  SmContexts& operator=(const SmContexts&) = delete;

  // A new non-blocking stream of `rank`, owned by this object. `communication`: on the rank's SMs for that, if the
  // partition has any.
  cudaStream_t make_stream(int rank, bool communication);
  // Of the streams of `rank`, as the driver achieved it.
  int sms(int rank, bool communication) const;
  const SmPartition& partition() const { return partition_; }

 private:
  struct Context {
    CUgreenCtx handle = nullptr;  // null: the whole device
    int sms = 0;
  };
  explicit SmContexts(const SmPartition& partition) : partition_(partition) {}

  Status make_contexts(int device);
  Result<Context> make_context(CUdevice device, std::vector<CUdevResource> resources, int expected_sms);
  const Context& context(int rank, bool communication) const;

  SmPartition partition_;
  GreenApi api_;
  std::vector<Context> compute_;  // [rank]
  std::vector<Context> comm_;     // [rank]; empty: the same as compute_
  std::vector<cudaStream_t> streams_;
};

}  // namespace pipeloom::backend
