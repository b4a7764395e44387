#include "backend/cuda/kernels/device.cuh"
#include "backend/device/kernels/rope_kernels.h"

namespace pipeloom::backend {

namespace {

// One thread per pair of numbers that turn together.
__global__ void turn_kernel(HeadShape shape, HeadColumns<float> heads, RopeTables tables, float direction) {
  const int64_t half = shape.columns / 2;
  const int64_t i = global_thread();
  if (i >= shape.rows * shape.heads * half) return;
  const int64_t column = i % half;
  const int64_t head = i / half % shape.heads;
  const int64_t row = i / half / shape.heads;
  const int64_t angle = row % tables.sequence * half + column;
  const float cosine = tables.cosines[angle];
  const float sine = direction * tables.sines[angle];
  float* pair = heads.data + row * heads.row_stride + head * heads.head_stride + column;
  const float first = pair[0];
  const float second = pair[half];
  pair[0] = first * cosine - second * sine;
  pair[half] = second * cosine + first * sine;
}

}  // namespace

void turn_heads(const SmStream& stream, const HeadShape& shape, HeadColumns<float> heads, const RopeTables& tables,
                bool back) {
  if (shape.size() == 0) return;
  PIPELOOM_LAUNCH(turn_kernel, ({blocks_for(shape.size() / 2, 256), 256, 0}), stream, shape, heads, tables,
                  back ? -1.f : 1.f);
}

}  // namespace pipeloom::backend
