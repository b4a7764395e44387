#pragma once

#include <cstdint>

#include "backend/device/kernels/numbers.h"
#include "backend/device/kernels/stream.h"
#include "core/job/copy_method.h"

namespace pipeloom::backend {

// A copy within a GPU as a communication kernel that holds a chosen number of SMs.
struct CopyOptions {
  CopyMethod method = CopyMethod::kStreaming;
  int sms = 1;                              // blocks, one per SM
  int64_t piece_bytes = int64_t{64} << 10;  // that a block moves before it takes the next piece of the message
  double bytes_per_s = 0;                   // of the whole message, as a link would have; 0: as fast as it goes
};

// REQUIRES: `from` and `to` at multiples of 16 bytes; pieces of a multiple of 16.
void copy_message(const SmStream& stream, const void* from, void* to, int64_t bytes, const CopyOptions& options);

// When a block that moves with its share of the rate may have moved so many bytes, after it began. Pure.
PIPELOOM_BOTH inline uint64_t due_ns(int64_t moved_bytes, double bytes_per_ns) {
  return bytes_per_ns > 0 ? static_cast<uint64_t>(static_cast<double>(moved_bytes) / bytes_per_ns) : 0;
}

}  // namespace pipeloom::backend
