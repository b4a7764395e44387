#include "backend/cuda/kernels/numbers.cuh"
#include "backend/cuda/kernels/reduce.cuh"
#include "backend/device/kernels/packages_kernels.h"

namespace pipeloom::backend {

namespace {

constexpr int kThreads = 256;

__device__ inline int32_t* header(const PackageShape& shape, unsigned char* packages, int64_t member) {
  return reinterpret_cast<int32_t*>(packages + member * shape.bytes());
}
__device__ inline const int32_t* header(const PackageShape& shape, const unsigned char* packages, int64_t member) {
  return reinterpret_cast<const int32_t*>(packages + member * shape.bytes());
}
// `place` counts through all packages of a set.
__device__ inline int64_t package_of(const PackageShape& shape, int64_t place) {
  return place / shape.rows() * shape.bytes();
}
template <typename Byte>
__device__ inline Byte* row_at(const PackageShape& shape, Byte* packages, int64_t place) {
  return packages + package_of(shape, place) + shape.rows_at() + place % shape.rows() * shape.row_bytes();
}
__device__ inline float* weight_at(const PackageShape& shape, unsigned char* packages, int64_t place) {
  return reinterpret_cast<float*>(packages + package_of(shape, place) + shape.weights_at()) + place % shape.rows();
}
__device__ inline const float* weight_at(const PackageShape& shape, const unsigned char* packages, int64_t place) {
  return reinterpret_cast<const float*>(packages + package_of(shape, place) + shape.weights_at()) +
         place % shape.rows();
}

__device__ inline int64_t scales_bytes(const PackageShape& shape) {
  return (shape.width + kFormatTile - 1) / kFormatTile * 4;
}

__device__ inline float number_at(const PackageShape& shape, const unsigned char* row, int64_t j) {
  if (shape.format == Format::kBf16) return to_float(reinterpret_cast<const Bf16*>(row)[j]);
  const E4m3 number{row[scales_bytes(shape) + j]};
  return to_float(number) * reinterpret_cast<const float*>(row)[j / kFormatTile];
}

// The whole block writes one row; of FP8 each of its warps every so many tiles.
template <typename Number>
__device__ inline void write_row(const PackageShape& shape, const Number* from, unsigned char* row) {
  if (shape.format == Format::kBf16) {
    for (int64_t j = threadIdx.x; j < shape.width; j += blockDim.x) {
      reinterpret_cast<Bf16*>(row)[j] = to_bf16(to_float(from[j]));
    }
    return;
  }
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  for (int64_t tile = threadIdx.x / kWarp; tile * kFormatTile < shape.width; tile += blockDim.x / kWarp) {
    const int64_t end = (tile + 1) * kFormatTile < shape.width ? (tile + 1) * kFormatTile : shape.width;
    float most = 0;
    for (int64_t j = tile * kFormatTile + lane; j < end; j += kWarp) most = fmaxf(most, fabsf(to_float(from[j])));
    const float scale = storing_scale(warp_reduce<Largest>(most), kLargestE4m3);
    if (lane == 0) reinterpret_cast<float*>(row)[tile] = scale;
    for (int64_t j = tile * kFormatTile + lane; j < end; j += kWarp) {
      row[scales_bytes(shape) + j] = to_e4m3(to_float(from[j]) / scale).bits;
    }
  }
}

// One block per expert.
__global__ void count_kernel(int64_t choices, const int32_t* chosen, int32_t* counts) {
  int count = 0;
  for (int64_t i = threadIdx.x; i < choices; i += kThreads) count += chosen[i] == static_cast<int>(blockIdx.x) ? 1 : 0;
  count = block_reduce<Sum>(count, 0);
  if (threadIdx.x == 0) counts[blockIdx.x] = count;
}

__global__ void clear_kernel(int64_t places, int32_t* choices) {
  const int64_t i = global_thread();
  if (i < places) choices[i] = -1;
}

// How many threads of the block before this one say yes; `all`: how many do.
__device__ inline int block_rank(bool yes, int& all) {
  __shared__ int of_warp[kThreads / kWarp];
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const unsigned votes = __ballot_sync(kWholeWarp, yes);
  __syncthreads();  // the ranks before may still be read
  if (lane == 0) of_warp[warp] = __popc(votes);
  __syncthreads();
  int rank = __popc(votes & ((1u << lane) - 1));
  all = 0;
  for (int i = 0; i < kThreads / kWarp; ++i) {
    if (i < warp) rank += of_warp[i];
    all += of_warp[i];
  }
  return rank;
}

// One block per expert, which finds its choices in order.
__global__ void place_kernel(PackageShape shape, const int32_t* chosen, PackageOrder order) {
  const int expert = static_cast<int>(blockIdx.x);
  const int held = shape.gate.experts / shape.members;
  const int first = expert / held * held;  // expert of the same member
  int before = 0;
  for (int i = first + static_cast<int>(threadIdx.x); i < expert; i += kThreads) before += order.counts[i];
  int64_t place = expert / held * shape.rows() + block_reduce<Sum>(before, 0);
  const int64_t choices = shape.gate.tokens * shape.gate.per_token;
  for (int64_t begin = 0; begin < choices; begin += kThreads) {
    const int64_t i = begin + threadIdx.x;
    const bool mine = i < choices && chosen[i] == expert;
    int all = 0;
    const int rank = block_rank(mine, all);
    if (mine) {
      order.choices[place + rank] = static_cast<int32_t>(i);
      order.places[i] = static_cast<int32_t>(place + rank);
    }
    place += all;
  }
}

// One block per place, and one per member for the header.
__global__ void pack_kernel(PackageShape shape, PackageOrder order, const Bf16* rows, const float* weights,
                            unsigned char* packages) {
  const int64_t places = shape.members * shape.rows();
  if (blockIdx.x >= places) {
    const int64_t member = blockIdx.x - places;
    const int held = shape.gate.experts / shape.members;
    for (int i = static_cast<int>(threadIdx.x); i < held; i += static_cast<int>(blockDim.x)) {
      header(shape, packages, member)[i] = order.counts[member * held + i];
    }
    return;
  }
  const int32_t choice = order.choices[blockIdx.x];
  if (choice < 0) return;  // the whole block
  write_row(shape, rows + choice / shape.gate.per_token * shape.width, row_at(shape, packages, blockIdx.x));
  if (threadIdx.x == 0 && weights != nullptr) *weight_at(shape, packages, blockIdx.x) = weights[choice];
}

// One block per token.
__global__ void add_weighed_kernel(PackageShape shape, PackageOrder order, const float* weights,
                                   const unsigned char* packages, Bf16* tokens) {
  const int64_t first = static_cast<int64_t>(blockIdx.x) * shape.gate.per_token;
  Bf16* token = tokens + blockIdx.x * shape.width;
  for (int64_t j = threadIdx.x; j < shape.width; j += blockDim.x) {
    float sum = to_float(token[j]);
    for (int64_t choice = first; choice < first + shape.gate.per_token; ++choice) {
      sum += weights[choice] * number_at(shape, row_at(shape, packages, order.places[choice]), j);
    }
    token[j] = to_bf16(sum);
  }
}

// One block per token.
__global__ void add_kernel(PackageShape shape, PackageOrder order, const unsigned char* packages, float* tokens,
                           float* weights) {
  const int64_t first = static_cast<int64_t>(blockIdx.x) * shape.gate.per_token;
  float* token = tokens + blockIdx.x * shape.width;
  for (int64_t choice = first; choice < first + shape.gate.per_token; ++choice) {
    const int64_t place = order.places[choice];
    for (int64_t j = threadIdx.x; j < shape.width; j += blockDim.x) {
      token[j] += number_at(shape, row_at(shape, packages, place), j);
    }
    if (threadIdx.x == 0) weights[choice] = *weight_at(shape, packages, place);
  }
}

__global__ void read_headers_kernel(PackageShape shape, const unsigned char* received, int32_t* counts) {
  const int held = shape.gate.experts / shape.members;
  for (int i = static_cast<int>(threadIdx.x); i < shape.members * held; i += kThreads) {
    counts[i] = header(shape, received, i / held)[i % held];
  }
}

// A row of the padded layout: block x is the token's place, y the source, z the expert.
struct PaddedRow {
  int64_t number = 0;  // in the padded layout
  int64_t place = -1;  // in the set of packages; -1: it is padding
};
__device__ inline PaddedRow padded_row(const PackageShape& shape, const int32_t* counts) {
  const int held = shape.gate.experts / shape.members;
  const auto expert = static_cast<int>(blockIdx.z);
  const int32_t* of_source = counts + blockIdx.y * held;
  PaddedRow row;
  row.number = (static_cast<int64_t>(expert) * shape.members + blockIdx.y) * shape.gate.tokens + blockIdx.x;
  if (static_cast<int>(blockIdx.x) >= of_source[expert]) return row;
  row.place = blockIdx.y * shape.rows() + blockIdx.x;
  for (int i = 0; i < expert; ++i) row.place += of_source[i];
  return row;
}

__global__ void spread_kernel(PackageShape shape, const unsigned char* received, const int32_t* counts, float* padded,
                              float* weights) {
  const PaddedRow row = padded_row(shape, counts);
  float* to = padded + row.number * shape.width;
  for (int64_t j = threadIdx.x; j < shape.width; j += blockDim.x) {
    to[j] = row.place < 0 ? 0 : number_at(shape, row_at(shape, received, row.place), j);
  }
  if (threadIdx.x == 0 && weights != nullptr) {
    weights[row.number] = row.place < 0 ? 0 : *weight_at(shape, received, row.place);
  }
}

__global__ void gather_kernel(PackageShape shape, const float* padded, const float* weights, const int32_t* counts,
                              unsigned char* packages) {
  const PaddedRow row = padded_row(shape, counts);
  if (row.place < 0) return;  // the whole block
  write_row(shape, padded + row.number * shape.width, row_at(shape, packages, row.place));
  if (threadIdx.x == 0 && weights != nullptr) *weight_at(shape, packages, row.place) = weights[row.number];
}

Grid padded_grid(const PackageShape& shape) {
  return {dim3(static_cast<unsigned>(shape.gate.tokens), static_cast<unsigned>(shape.members),
               static_cast<unsigned>(shape.experts_per_member())),
          row_threads(shape.width), 0};
}

}  // namespace

void order_choices(const SmStream& stream, const PackageShape& shape, const int32_t* chosen,
                   const PackageOrder& order) {
  const auto experts = static_cast<unsigned>(shape.gate.experts);
  PIPELOOM_LAUNCH(clear_kernel, ({blocks_for(shape.places(), kThreads), kThreads, 0}), stream, shape.places(),
                  order.choices);
  PIPELOOM_LAUNCH(count_kernel, ({experts, kThreads, 0}), stream, shape.gate.choices(), chosen, order.counts);
  PIPELOOM_LAUNCH(place_kernel, ({experts, kThreads, 0}), stream, shape, chosen, order);
}

void pack_rows(const SmStream& stream, const PackageShape& shape, const PackageOrder& order, const Bf16* rows,
               const float* weights, unsigned char* packages) {
  const auto blocks = static_cast<unsigned>(shape.places() + shape.members);
  PIPELOOM_LAUNCH(pack_kernel, ({blocks, row_threads(shape.width), 0}), stream, shape, order, rows, weights, packages);
}

void add_weighed_rows(const SmStream& stream, const PackageShape& shape, const PackageOrder& order,
                      const float* weights, const unsigned char* packages, Bf16* tokens) {
  PIPELOOM_LAUNCH(add_weighed_kernel, ({static_cast<unsigned>(shape.gate.tokens), row_threads(shape.width), 0}), stream,
                  shape, order, weights, packages, tokens);
}

void add_rows(const SmStream& stream, const PackageShape& shape, const PackageOrder& order,
              const unsigned char* packages, float* tokens, float* weights) {
  PIPELOOM_LAUNCH(add_kernel, ({static_cast<unsigned>(shape.gate.tokens), row_threads(shape.width), 0}), stream, shape,
                  order, packages, tokens, weights);
}

void read_headers(const SmStream& stream, const PackageShape& shape, const unsigned char* received, int32_t* counts) {
  PIPELOOM_LAUNCH(read_headers_kernel, ({1, kThreads, 0}), stream, shape, received, counts);
}

void spread_packages(const SmStream& stream, const PackageShape& shape, const unsigned char* received,
                     const int32_t* counts, float* padded, float* weights) {
  ::pipeloom::backend::launch("spread_kernel", spread_kernel, padded_grid(shape), stream, shape, received, counts,
                              padded, weights);
}

void gather_packages(const SmStream& stream, const PackageShape& shape, const float* padded, const float* weights,
                     const int32_t* counts, unsigned char* packages) {
  ::pipeloom::backend::launch("gather_kernel", gather_kernel, padded_grid(shape), stream, shape, padded, weights,
                              counts, packages);
}

}  // namespace pipeloom::backend
