#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/tasks/profiled_run.h"
#include "planner/diff/overlap.h"

namespace pipeloom::planner {

// True if a kernel moves data between GPUs: NCCL's, DeepEP's and NVSHMEM's.
bool communicates(const std::string& kernel_name);

// Shortens a kernel's name: "void cutlass::Kernel2<...>(...)" -> "cutlass::Kernel2".
std::string short_kernel_name(const std::string& name);

// The streams of a run, and when they are busy. A stream communicates if most of its time goes into kernels that do.
// REQUIRES: the run outlives this.
class RunStreams {
 public:
  explicit RunStreams(const ProfiledRun& run);

  struct Stream {
    size_t kernels = 0;
    int64_t busy_ns = 0;
    int64_t communicating_ns = 0;
    std::map<uint32_t, int64_t> time_by_sms;  // [SMs kept] time of kernels that communicate

    bool communicates() const { return 2 * communicating_ns > busy_ns; }
  };
  const std::vector<Stream>& streams() const { return streams_; }
  bool communicates(const ProfiledRun::Kernel& kernel) const { return streams_[kernel.stream].communicates(); }

  // Intervals in which some stream of this kind is busy, in order and disjoint.
  const std::vector<Interval>& compute() const { return compute_; }
  const std::vector<Interval>& communication() const { return communication_; }
  // Returns how much of a kernel runs beside communication. O(log n).
  int64_t beside_ns(const ProfiledRun::Kernel& kernel) const;

 private:
  std::vector<Interval> joined(const ProfiledRun& run, bool communicating) const;

  std::vector<Stream> streams_;
  std::vector<Interval> compute_;
  std::vector<Interval> communication_;
};

}  // namespace pipeloom::planner
