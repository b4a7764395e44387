#pragma once

#include <cstdint>

#include "core/job/job.h"

namespace pipeloom::sim {

// Three counters read a GPU's memory. *Allocated* is the tensors. *Reserved* adds what the caching allocator holds and
// can't hand out. *nvidia-smi* adds what lies outside of the allocator. The tensors are counted; the figures here are
// the only fitted ones of a job with software.

// Shares of what is allocated that fragmentation adds, without unit: of what comes and goes with every micro-batch
// (saved activations, temporaries, gathered weights), and of what stays. Fitted together to the reserved figures of
// SimuMax (14 runs, B200) and torchtitan (14, H100 and H200): mean error 0.9 and 1.5 %. With each run left out of its
// fit 1.0 and 1.6 %; SimuMax predicted from torchtitan alone 2.9 %, torchtitan from SimuMax alone 1.5 %
// (scripts/fit_memory).
inline constexpr double kChurnFragmentation = 0.163;
inline constexpr double kStateFragmentation = 0.035;

// Bytes outside of the allocator with DeepSpeed's pipeline engine: CUDA context, NCCL and DeepSpeed's buffers. Fitted
// to BLOOM's nvidia-smi figures (A100), which are whole GB: mean error of 23 runs 3.9 %, with each left out of its
// fit 4.0 %; BF16 predicted from FP16 alone 3.4 %, FP16 from BF16 alone 4.7 %.
inline constexpr int64_t kDeepSpeedOutsideBytes = 6'000'000'000;

// Estimates that no published figure tests: CUDA context and libraries; NCCL's channels; the NVLink and RDMA buffers of
// DeepEP and HybridEP.
inline constexpr int64_t kContextBytes = 800'000'000;
inline constexpr int64_t kChannelBytes = 400'000'000;
inline constexpr int64_t kDispatcherBytes = 1'000'000'000;

// What was measured above what was predicted, as a share: a tenth of the figures that were left out of the fit one by
// one is below `low`, a tenth above `high` (scripts/fit_memory: 28 figures of `reserved`, 23 of nvidia-smi).
struct MemoryErrors {
  double low = 0;
  double high = 0;
};
inline constexpr MemoryErrors kReservedErrors = {-0.021, 0.017};
inline constexpr MemoryErrors kDriverErrors = {-0.055, 0.070};

// What the caching allocator holds besides, in bytes. `churn_bytes`: saved activations and temporaries;
// `lasting_bytes`: states, dummy gradients and workspaces. 0 for a job without software, whose reserve has an estimate.
int64_t fragmentation_bytes(const Job& job, int64_t lasting_bytes, int64_t churn_bytes);

// The most churn that fits into `available_bytes` beside its fragmentation.
int64_t churn_within(const Job& job, int64_t available_bytes);

}  // namespace pipeloom::sim
