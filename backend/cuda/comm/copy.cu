#include "backend/cuda/comm/access.cuh"
#include "backend/cuda/comm/bulk.cuh"
#include "backend/device/comm/copy.h"

namespace pipeloom::backend {

namespace {

struct CopiedBytes {
  const unsigned char* from = nullptr;
  unsigned char* to = nullptr;
  int64_t bytes = 0;
  int64_t piece_bytes = 0;
  double bytes_per_ns = 0;  // of one block
};

// What does not fill 16 bytes.
__device__ inline void copy_rest(const CopiedBytes& message) {
  const int64_t begin = message.bytes / 16 * 16;
  if (blockIdx.x != 0 || begin + threadIdx.x >= message.bytes) return;
  message.to[begin + threadIdx.x] = message.from[begin + threadIdx.x];
}

constexpr int kThreads = 512;
constexpr int kUnrolled = 4;  // loads of a thread that are under way together

template <CacheHints kHints>
__global__ void __launch_bounds__(kThreads) load_store_kernel(CopiedBytes message) {
  const uint64_t start = now_ns();
  const int64_t whole = message.bytes / 16 * 16;
  int64_t moved = 0;
  for (int64_t begin = blockIdx.x * message.piece_bytes; begin < whole; begin += gridDim.x * message.piece_bytes) {
    const int64_t end = begin + message.piece_bytes < whole ? begin + message.piece_bytes : whole;
    for (int64_t at = begin + threadIdx.x * 16; at < end; at += int64_t{kThreads} * 16 * kUnrolled) {
      Bytes16 values[kUnrolled];
      for (int i = 0; i < kUnrolled; ++i) {
        const int64_t own = at + int64_t{kThreads} * 16 * i;
        if (own < end) values[i] = load16<kHints>(message.from + own);
      }
      for (int i = 0; i < kUnrolled; ++i) {
        const int64_t own = at + int64_t{kThreads} * 16 * i;
        if (own < end) store16<kHints>(message.to + own, values[i]);
      }
    }
    moved += end - begin;
    sleep_until(start + due_ns(moved, message.bytes_per_ns));
  }
  copy_rest(message);
}

constexpr int kStages = 4;
constexpr int64_t kStageBytes = int64_t{32} << 10;
constexpr int kBulkThreads = 32;

// Walks the pieces that a block copies, a buffer of shared memory at a time.
struct PieceWalk {
  const CopiedBytes& message;
  int64_t whole;
  int64_t piece;   // begin of the piece
  int64_t offset;  // in it

  __device__ bool done() const { return piece >= whole; }
  __device__ int64_t begin() const { return piece + offset; }
  __device__ int64_t size() const {
    const int64_t piece_end = piece + message.piece_bytes < whole ? piece + message.piece_bytes : whole;
    return piece_end - begin() < kStageBytes ? piece_end - begin() : kStageBytes;
  }
  __device__ void next() {
    offset += kStageBytes;
    const int64_t piece_end = piece + message.piece_bytes < whole ? piece + message.piece_bytes : whole;
    if (begin() < piece_end) return;
    piece += gridDim.x * message.piece_bytes;
    offset = 0;
  }
};

// One thread keeps up to kStages - 1 loads under way while it stores what has come.
__global__ void __launch_bounds__(kBulkThreads) bulk_kernel(CopiedBytes message) {
  copy_rest(message);
  if (threadIdx.x != 0) return;
  unsigned char* stages = dynamic_shared();
  auto* barriers = reinterpret_cast<BulkBarrier*>(stages + kStages * kStageBytes);
  for (int i = 0; i < kStages; ++i) begin_barrier(barriers + i);
  const uint64_t start = now_ns();
  const int64_t first = blockIdx.x * message.piece_bytes;
  PieceWalk loading{message, message.bytes / 16 * 16, first, 0};
  PieceWalk storing = {message, message.bytes / 16 * 16, first, 0};
  uint32_t loaded = 0;
  uint32_t stored = 0;
  int64_t moved = 0;
  while (!storing.done()) {
    while (!loading.done() && loaded < stored + kStages - 1) {
      // What was stored from this stage is not the last that was stored.
      if (loaded >= kStages) wait_for_reads<1>();
      const uint32_t stage = loaded % kStages;
      bulk_load(stages + stage * kStageBytes, message.from + loading.begin(), static_cast<uint32_t>(loading.size()),
                barriers + stage);
      loading.next();
      ++loaded;
    }
    const uint32_t stage = stored % kStages;
    wait_for_load(barriers + stage, stored / kStages);
    bulk_store(message.to + storing.begin(), stages + stage * kStageBytes, static_cast<uint32_t>(storing.size()));
    moved += storing.size();
    storing.next();
    ++stored;
    sleep_until(start + due_ns(moved, message.bytes_per_ns));
  }
  wait_for_stores();
}

template <CacheHints kHints>
void launch_load_store(const SmStream& stream, const CopiedBytes& message, unsigned blocks) {
  PIPELOOM_LAUNCH(load_store_kernel<kHints>, ({blocks, kThreads, 0}), stream, message);
}

}  // namespace

void copy_message(const SmStream& stream, const void* from, void* to, int64_t bytes, const CopyOptions& options) {
  if (bytes == 0) return;
  CopiedBytes message;
  message.from = static_cast<const unsigned char*>(from);
  message.to = static_cast<unsigned char*>(to);
  message.bytes = bytes;
  message.piece_bytes = options.piece_bytes;
  message.bytes_per_ns = options.bytes_per_s / 1e9 / options.sms;
  const auto blocks = static_cast<unsigned>(options.sms);
  switch (options.method) {
    case CopyMethod::kLoadStore:
      return launch_load_store<CacheHints::kNone>(stream, message, blocks);
    case CopyMethod::kStreaming:
      return launch_load_store<CacheHints::kStreaming>(stream, message, blocks);
    case CopyMethod::kStreamingReadOnly:
      return launch_load_store<CacheHints::kStreamingReadOnly>(stream, message, blocks);
    case CopyMethod::kBulk: {
      const size_t shared_bytes = kStages * kStageBytes + kStages * sizeof(BulkBarrier);
      allow_shared("bulk_kernel", bulk_kernel, shared_bytes);
      PIPELOOM_LAUNCH(bulk_kernel, ({blocks, kBulkThreads, shared_bytes}), stream, message);
      return;
    }
  }
}

}  // namespace pipeloom::backend
