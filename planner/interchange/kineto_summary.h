#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pipeloom {

// One kernel of a run, whoever recorded it.
struct RunKernel {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  uint32_t stream = 0;  // dense
  uint32_t name = 0;
  uint32_t blocks = 0;  // of its grid; 0: a copy
  bool communicates = false;
};

// Whether a kernel moves data between GPUs: NCCL's, DeepEP's and NVSHMEM's.
bool communicates(const std::string& kernel_name);

struct StreamSummary {
  uint32_t stream = 0;
  bool communication = false;  // most of its time goes into kernels that communicate
  size_t kernels = 0;
  int64_t busy_ns = 0;
  uint32_t sms = 0;  // of a communication stream: what its kernels occupy for most of the time
};

// How much longer a kernel takes beside communication: medians of those that ran alone and of those beside it from
// begin to end.
struct KernelContention {
  uint32_t name = 0;
  uint32_t blocks = 0;
  size_t alone = 0;  // how many
  size_t beside = 0;
  int64_t alone_ns = 0;
  int64_t beside_ns = 0;

  double slowdown() const { return static_cast<double>(beside_ns) / static_cast<double>(alone_ns); }
};

struct RunSummary {
  std::vector<StreamSummary> streams;  // in order of their numbers
  int64_t span_ns = 0;                 // from the first kernel to the end of the last
  int64_t compute_ns = 0;              // some compute stream is busy
  int64_t communication_ns = 0;        // some communication stream is busy
  int64_t hidden_ns = 0;               // both are
  uint32_t communication_sms = 0;
  std::vector<KernelContention> contention;  // those with enough samples, by time
  double slowdown = 1;                       // of them all, weighted by time alone

  int64_t exposed_ns() const { return communication_ns - hidden_ns; }
  int64_t idle_ns() const { return span_ns - compute_ns - exposed_ns(); }
};

// `sms` of the GPU; 0: unknown. O(n log n). REQUIRES: kernels in order of time.
RunSummary summarise(const std::vector<RunKernel>& kernels, uint32_t sms);

}  // namespace pipeloom
