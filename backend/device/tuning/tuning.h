#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/job/copy_method.h"
#include "core/job/gpu.h"

namespace pipeloom::backend {

// A copy within a GPU by one method, as `pipeloom-run tune` measured it.
struct MeasuredCopy {
  CopyMethod method = CopyMethod::kStreaming;
  int sms = 0;
  int64_t piece_bytes = 0;
  int64_t message_bytes = 0;
  double bytes_per_s = 0;
};

// An all-to-all of the forwarding kernels. Bytes count at every stage that copies them, as KernelRates::
// all_to_all_sm_bytes_per_s does.
struct MeasuredForward {
  int sms = 0;           // of both nodes
  int piece_tokens = 0;  // that one stream may have under way
  double bytes_per_s = 0;
};

// How long a kernel took with so many SMs left to it, alone and beside a dispatch or combine that ran all the time.
struct MeasuredContention {
  double alone_s = 0;
  double beside_dispatch_s = 0;
  double beside_combine_s = 0;
};

// What the GPU's L2 did while something ran: of the whole GPU, whichever kernel asked for it (CUPTI's metrics
// lts__t_sector_hit_rate.pct, lts__t_sector_op_read_hit_rate.pct, lts__t_sectors_op_read.sum,
// lts__t_sectors_op_write.sum and dram__bytes_read.sum).
struct MeasuredL2 {
  double hit_percent = 0;  // of all sectors
  double read_hit_percent = 0;
  double read_sectors = 0;  // of 32 bytes
  double written_sectors = 0;
  double dram_read_bytes = 0;

  bool operator==(const MeasuredL2&) const = default;
};

// A communication kernel with or without cache hints, alone and beside computation on the SMs that it leaves.
struct MeasuredVariant {
  std::string what;  // "copy bulk", "dispatch without hints"
  int sms = 0;
  double bytes_per_s = 0;     // alone
  double product_s = 0;       // that a product takes while the kernel runs all the time
  double memory_bound_s = 0;  // the same of a memory-bound kernel
  // Where counters could be read.
  std::optional<MeasuredL2> alone;
  std::optional<MeasuredL2> beside_product;
  std::optional<MeasuredL2> beside_memory_bound;
};

struct TuneMeasurements {
  std::vector<MeasuredCopy> copies;
  std::vector<MeasuredForward> dispatches;
  std::vector<MeasuredForward> combines;
  MeasuredContention product;
  MeasuredContention memory_bound;
  std::vector<MeasuredVariant> variants;
  std::optional<MeasuredL2> product_l2;  // of the product alone
  std::optional<MeasuredL2> memory_bound_l2;
  std::string no_l2;              // why counters were not read; empty: they were
  double memory_bytes_per_s = 0;  // of a device copy on all SMs
};

// The fewest SMs, then the smallest piece, that reach `share` of the highest rate measured for messages of this size;
// of equal ones the faster method. REQUIRES: some copy of such a message was measured.
MeasuredCopy best_copy(const std::vector<MeasuredCopy>& copies, int64_t message_bytes, double share = 0.95);

// What one SM copies: the median over the measurements that still rise with the SMs (at least nine tenths of the
// highest rate per SM), each at its best piece size. REQUIRES: not empty.
double sm_bytes_per_s(const std::vector<MeasuredForward>& measured);

// The c in rate ~ 1 - exp(-tokens / c), by least squares over each number of SMs against its highest rate
// (KernelRates::all_to_all_piece_tokens). REQUIRES: not empty.
double piece_tokens_constant(const std::vector<MeasuredForward>& measured);

// What both a dispatch and a combine reach, the slower of them, for each number of SMs that both were measured on.
std::vector<AllToAllCurve> all_to_all_curves(const std::vector<MeasuredForward>& dispatches,
                                             const std::vector<MeasuredForward>& combines);

// What each number of SMs copies of each message, by the method and with the pieces that were fastest.
std::vector<HandOverCurve> hand_over_curves(const std::vector<MeasuredCopy>& copies);

// `gpu` with what was measured in place of what it had: all-to-all by SMs and piece, as curves and as the constants
// that fit them best; hand-overs by SMs and message; contention, memory efficiency. Errors name what can't be: a rate
// that is not above 0, fewer than two numbers of SMs, nothing measured.
Result<Gpu> tuned_gpu(Gpu gpu, const TuneMeasurements& measured);

}  // namespace pipeloom::backend
