#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"

namespace pipeloom::backend {

// What a GPU allows when its SMs are split (CUDA 13.0, cuDevSmResourceSplitByCount): equal units for the whole device,
// and what is left over. The defaults are an H100's (132 SMs).
struct SmRules {
  int sms = 132;
  int unit = 8;                   // SMs of a unit are a multiple of this, and at least this
  int unit_without_clusters = 2;  // the same where large thread block clusters are given up
};

// How one split of a device serves every rank: whole units for computation and whole units for communication. A single
// rank's communication may also take what the split leaves over.
struct SmPartition {
  int ranks = 1;
  int compute_sms = 0;  // of a rank
  int comm_sms = 0;     // of a rank; 0: communication runs on the compute partition
  int unit = 0;         // SMs of one unit; 0: the device is not split
  bool large_clusters = true;
  bool comm_from_remainder = false;  // beside its units
  int unused_sms = 0;

  int compute_units() const { return unit == 0 ? 0 : compute_sms / unit; }
  int comm_units() const { return unit == 0 ? 0 : comm_sms / unit; }
  int units() const { return ranks * (compute_units() + comm_units()); }
  bool operator==(const SmPartition&) const = default;
};

// "4 ranks x (24 + 8) SMs, units of 8, 4 SMs unused".
std::string describe(const SmPartition& partition);

// Gives each of `ranks` ranks on one GPU `comm_sms` SMs for communication and the largest equal number for computation,
// with units as large as possible. Fails where that can't be had, and says which numbers near it can. comm_sms = 0: no
// partition for communication. Pure.
Result<SmPartition> plan_sm_partition(const SmRules& rules, int ranks, int comm_sms);

// How many CTAs each of a rank's `communicators` may use on `sms` SMs so that kernels of all of them can be resident at
// once, and none that waits for its peer keeps another from starting: a power of two, 1 to 32, since NCCL rounds the
// channels of sends and receives up to one.
int nccl_ctas(int sms, int communicators);

}  // namespace pipeloom::backend
