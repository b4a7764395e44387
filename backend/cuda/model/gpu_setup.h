#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "backend/cuda/kernels/rope.h"
#include "backend/cuda/model/gpu_products.h"
#include "backend/model/rope.h"

namespace pipeloom {

// Bytes to bring to the GPU before the first step.
struct GpuUpload {
  void* to = nullptr;
  std::vector<std::byte> from;
};

// Tables that all parts of a rank share.
class GpuConstants {
 public:
  explicit GpuConstants(Arena& arena) : arena_(arena) {}
  RopeTables rope(int64_t sequence, int64_t dim);
  const std::vector<GpuUpload>& uploads() const { return uploads_; }

 private:
  const float* table(const std::vector<float>& numbers);

  Arena& arena_;
  std::map<int64_t, RopeTables> rope_;  // by dim; a rank has one sequence length
  std::vector<GpuUpload> uploads_;
};

// What a part is made with. `kept`: for what it keeps from one pass of a micro-batch to the next; `scratch`: for what
// is free again when a call has ended.
struct GpuSetup {
  Arena& kept;
  Arena& scratch;
  GpuConstants& constants;
  const GpuProducts& linear;   // by weights, as Arithmetic::linear
  const GpuProducts& precise;  // the rest
  int64_t tokens = 0;          // of a micro-batch
  int64_t sequence = 0;
};

}  // namespace pipeloom
