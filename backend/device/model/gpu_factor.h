#pragma once

#include "backend/device/kernels/fp8_kernels.h"
#include "backend/device/model/gpu_kept.h"
#include "backend/device/model/gpu_setup.h"

namespace pipeloom::backend {

// A matrix that waits for the product of a W that it is a factor of.
class GpuFactor {
 public:
  GpuFactor() = default;
  // From F on, in the format of what is cached; or, where that is computed again, from I on.
  static GpuFactor from_forward(const GpuSetup& setup, const GpuProducts& products, int64_t rows, int64_t columns) {
    if (setup.keeping.selective) return from_input(setup, products, rows, columns);
    GpuFactor factor;
    factor.kept_ = GpuKept(setup.kept, setup.keeping.formats.cached, rows, columns);
    return factor;
  }
  // From I on, as `products` read it. FP8 is scaled by columns, once: scaled by rows before, DeepSeek-V3's recipe
  // learns worse.
  static GpuFactor from_input(const GpuSetup& setup, const GpuProducts& products, int64_t rows, int64_t columns) {
    GpuFactor factor;
    factor.in_fp8_ = products.in_fp8();
    if (!factor.in_fp8_) {
      factor.kept_ = GpuKept(setup.late, Format::kBf16, rows, columns);
      return factor;
    }
    factor.rows_ = rows;
    factor.columns_ = columns;
    factor.numbers_ = setup.late.take<E4m3>(columns * padded_inner(rows));
    factor.scales_ = setup.late.take<float>(columns * fp8_tiles(rows));
    return factor;
  }

  // Where values that will be kept are best put.
  Bf16* place(Bf16* scratch) const { return in_fp8_ ? scratch : kept_.place(scratch); }
  void keep(const SmStream& stream, const Bf16* values) const {
    if (!in_fp8_) return kept_.keep(stream, values);
    quantise_columns(stream, values, rows_, columns_, numbers_, scales_);
  }
  // Here, or in `scratch`.
  FactorOfW of_w(const SmStream& stream, Bf16* scratch) const {
    return in_fp8_ ? FactorOfW{nullptr, numbers_, scales_} : FactorOfW{kept_.values(stream, scratch)};
  }

 private:
  GpuKept kept_;
  bool in_fp8_ = false;
  int64_t rows_ = 0;
  int64_t columns_ = 0;
  E4m3* numbers_ = nullptr;
  float* scales_ = nullptr;
};

}  // namespace pipeloom::backend
