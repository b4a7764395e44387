#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "backend/device/kernels/rope_kernels.h"
#include "backend/device/model/gpu_products.h"
#include "backend/model/keeping.h"
#include "backend/model/rope.h"

namespace pipeloom::backend {

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

// What a part is made with. `kept`: for what it keeps from F of a micro-batch on; `late`: from I on, until W has ended;
// `layer`: for what the parts of a layer tell each other in F; `scratch`: for what is free again when a call has ended.
struct GpuSetup {
  Arena& kept;
  Arena& late;
  Arena& layer;
  Arena& scratch;
  GpuConstants& constants;
  const GpuProducts& attention;  // by weights, as Arithmetic has them
  const GpuProducts& mlp;
  const GpuProducts& precise;
  Keeping keeping;
  int64_t tokens = 0;  // of a micro-batch
  int64_t sequence = 0;

  GpuSetup in(Arena& kept_arena, Arena& late_arena, Arena& layer_arena) const {
    return {kept_arena, late_arena, layer_arena, scratch, constants, attention,
            mlp,        precise,    keeping,     tokens,  sequence};
  }
};

}  // namespace pipeloom::backend
