#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/gpu.h"
#include "core/result.h"

namespace pipeloom {

// A copy within a GPU by one method, as `pipeloom-run tune` measured it.
struct MeasuredCopy {
  std::string method;
  int sms = 0;
  int64_t chunk_bytes = 0;
  int64_t message_bytes = 0;
  double bytes_per_s = 0;
};

// An all-to-all of the forwarding kernels. Bytes count at every stage that copies them, as KernelRates::
// all_to_all_sm_bytes_per_s does.
struct MeasuredForward {
  int sms = 0;           // of both nodes
  int chunk_tokens = 0;  // that one stream may have under way
  double bytes_per_s = 0;
};

// How long a kernel took with so many SMs left to it, alone and beside a dispatch or combine that ran all the time.
struct MeasuredContention {
  double alone_s = 0;
  double beside_dispatch_s = 0;
  double beside_combine_s = 0;
};

struct TuneMeasurements {
  std::vector<MeasuredCopy> copies;
  std::vector<MeasuredForward> dispatches;
  std::vector<MeasuredForward> combines;
  MeasuredContention product;
  MeasuredContention memory_bound;
  double memory_bytes_per_s = 0;  // of a device copy on all SMs
};

// The fewest SMs, then the smallest chunk, that reach `share` of the highest rate measured for messages of this size;
// of equal ones the faster method. REQUIRES: some copy of such a message was measured.
MeasuredCopy best_copy(const std::vector<MeasuredCopy>& copies, int64_t message_bytes, double share = 0.95);

// What one SM copies: the median over the measurements that still rise with the SMs (at least nine tenths of the
// highest rate per SM), each at its best chunk size. REQUIRES: not empty.
double sm_bytes_per_s(const std::vector<MeasuredForward>& measured);

// The c in rate ~ 1 - exp(-tokens / c), by least squares over each number of SMs against its highest rate
// (KernelRates::all_to_all_chunk_tokens). REQUIRES: not empty.
double chunk_tokens_constant(const std::vector<MeasuredForward>& measured);

// What both a dispatch and a combine reach, the slower of them, for each number of SMs that both were measured on.
std::vector<AllToAllCurve> all_to_all_curves(const std::vector<MeasuredForward>& dispatches,
                                             const std::vector<MeasuredForward>& combines);

// `gpu` with what was measured in place of what it had: all-to-all by SMs and chunk, as curves and as the constants
// that fit them best; contention, memory efficiency. Errors name what can't be: a rate that is not above 0, fewer than
// two numbers of SMs, nothing measured.
Result<Gpu> tuned_gpu(Gpu gpu, const TuneMeasurements& measured);

// The text of a GPU file with the rates of `tuned` in place of its own, comments kept: a field that the file has is
// replaced, one that it lacks is added. `origin` becomes the comment of each. REQUIRES: the text is a GPU file with
// rates.
std::string with_tuned_rates(const std::string& text, const Gpu& tuned, const std::string& origin);

// Every copy and all-to-all as CSV, for people and plots.
std::string measurements_csv(const TuneMeasurements& measured);

}  // namespace pipeloom
