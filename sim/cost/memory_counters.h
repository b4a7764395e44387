#pragma once

#include <cstdint>

#include "core/job/job.h"

namespace pipeloom::sim {

// Three counters read a GPU's memory. *Allocated* is the tensors. *Reserved* adds what the caching allocator holds and
// can't hand out. *nvidia-smi* adds what lies outside of the allocator. The tensors are counted; the figures here are
// the only fitted ones of a job with software.

// Shares of what is allocated that fragmentation adds, without unit: of what comes and goes with every micro-batch
// (saved activations, temporaries, gathered weights), and of what stays. Fitted together to the reserved figures of
// SimuMax (14 layouts, B200) and torchtitan (14, H100 and H200): mean error 1.2 %, and 1.3 % for each of the 28 rows
// left out of its fit. SimuMax alone predicted from torchtitan's fit: 2.4 %; torchtitan from SimuMax's: 3.8 %.
inline constexpr double kChurnFragmentation = 0.163;
inline constexpr double kStateFragmentation = 0.035;

// Bytes outside of the allocator with DeepSpeed's pipeline engine: CUDA context, NCCL and DeepSpeed's buffers. Fitted
// to BLOOM's 26 nvidia-smi figures (A100): mean error 3.2 %; fitted to FP16 and predicting BF16 3.2 %, the other
// way 3.8 %.
inline constexpr int64_t kDeepSpeedOutsideBytes = 6'000'000'000;

// Estimates that no published figure tests: CUDA context and libraries; NCCL's channels; the NVLink and RDMA buffers of
// DeepEP and HybridEP.
inline constexpr int64_t kContextBytes = 800'000'000;
inline constexpr int64_t kChannelBytes = 400'000'000;
inline constexpr int64_t kDispatcherBytes = 1'000'000'000;

// What the caching allocator holds besides, in bytes. `churn_bytes`: saved activations and temporaries;
// `lasting_bytes`: states, dummy gradients and workspaces. 0 for a job without software, whose reserve has an estimate.
int64_t fragmentation_bytes(const Job& job, int64_t lasting_bytes, int64_t churn_bytes);

// The most churn that fits into `available_bytes` beside its fragmentation.
int64_t churn_within(const Job& job, int64_t available_bytes);

}  // namespace pipeloom::sim
