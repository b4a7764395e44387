#pragma once

#include <cstdint>
#include <vector>

#include "core/tasks/profiled_run.h"
#include "planner/interchange/run_streams.h"

namespace pipeloom::planner {

struct StreamSummary {
  uint32_t stream = 0;
  bool communication = false;  // most of its time goes into kernels that communicate
  size_t kernels = 0;
  int64_t busy_ns = 0;
  uint32_t sms = 0;  // communication streams only: the SMs that its kernels occupy for most of the time
};

// How much longer a kernel takes beside communication: the medians of those that ran alone and of those beside it from
// begin to end.
struct KernelContention {
  uint32_t name = 0;
  uint32_t blocks = 0;
  size_t alone = 0;  // number of samples
  size_t beside = 0;
  int64_t alone_ns = 0;
  int64_t beside_ns = 0;

  double slowdown() const { return static_cast<double>(beside_ns) / static_cast<double>(alone_ns); }
};

struct RunContention {
  std::vector<KernelContention> kernels;  // those with enough samples, by time
  double slowdown = 1;                    // over all kernels, weighted by time alone
};
// Compares kernels that ran alone with their like beside communication. O(n log n).
RunContention contention_of(const ProfiledRun& run, const RunStreams& streams);

struct RunSummary {
  std::vector<StreamSummary> streams;  // in order of their numbers
  int64_t span_ns = 0;                 // first kernel to the end of the last
  int64_t compute_ns = 0;              // while some compute stream is busy
  int64_t communication_ns = 0;        // while some communication stream is busy
  int64_t hidden_ns = 0;               // while both are
  uint32_t communication_sms = 0;
  RunContention contention;

  int64_t exposed_ns() const { return communication_ns - hidden_ns; }
  int64_t idle_ns() const { return span_ns - compute_ns - exposed_ns(); }
};
RunSummary summarise(const ProfiledRun& run);

}  // namespace pipeloom::planner
