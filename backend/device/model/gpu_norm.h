#pragma once

#include "backend/device/kernels/columns_kernels.h"
#include "backend/device/kernels/rms_norm_kernels.h"
#include "backend/device/model/gpu_factor.h"
#include "backend/device/model/gpu_setup.h"

namespace pipeloom::backend {

// An RMSNorm with what it keeps of one micro-batch, as RmsNorm in backend/model/rms_norm.h.
class GpuNorm {
 public:
  GpuNorm(const GpuSetup& setup, const GpuWeight& weight)
      : weight_(weight),
        shape_{setup.tokens, weight.columns},
        saved_{setup.kept.take<Bf16>(shape_.rows * shape_.width), setup.kept.take<float>(shape_.rows)},
        weight_gradient_(setup.late.take<float>(shape_.width)) {}

  int64_t width() const { return shape_.width; }
  void forward(const SmStream& stream, TokenRows<const Bf16> x, TokenRows<Bf16> output) const {
    rms_norm_forward(stream, shape_, x, weight_.full, saved_, output);
  }
  // What forward gave, again.
  void output(const SmStream& stream, TokenRows<Bf16> output) const {
    rms_norm_output(stream, shape_, saved_, weight_.full, output);
  }
  // The gradient of x, added to `residual` where that is given.
  void input_backward(const SmStream& stream, TokenRows<const float> output_gradient, const Bf16* residual,
                      TokenRows<Bf16> x_gradient) const {
    rms_norm_weight_gradient(stream, shape_, output_gradient, saved_, weight_gradient_);
    rms_norm_input_backward(stream, shape_, output_gradient, weight_.full, saved_, residual, x_gradient);
  }
  void weight_backward(const SmStream& stream) const {
    add_numbers(stream, weight_gradient_, shape_.width, weight_.gradient);
  }

 private:
  GpuWeight weight_;
  RmsNormShape shape_;
  RmsNormSaved saved_;
  float* weight_gradient_;  // from I, for W
};

// An RMSNorm whose output products read again in W: kept from F on, or computed again in I. What is returned is there
// until the pass of the part ends.
class GpuKeptNorm {
 public:
  // `products`: those that read it.
  GpuKeptNorm(const GpuSetup& setup, const GpuProducts& products, const GpuWeight& weight)
      : norm_(setup, weight),
        again_(setup.keeping.selective),
        kept_(GpuFactor::from_forward(setup, products, setup.tokens, weight.columns)),
        scratch_(setup.scratch.take<Bf16>(setup.tokens * weight.columns)) {}

  int64_t width() const { return norm_.width(); }
  const Bf16* forward(const SmStream& stream, TokenRows<const Bf16> x) const {
    Bf16* output = again_ ? scratch_ : kept_.place(scratch_);
    norm_.forward(stream, x, {output, width()});
    if (!again_) kept_.keep(stream, output);
    return output;
  }
  // Once in I, where outputs are computed again: as F gave it, and kept for W.
  const Bf16* recompute(const SmStream& stream) const {
    Bf16* output = kept_.place(scratch_);
    norm_.output(stream, {output, width()});
    kept_.keep(stream, output);
    return output;
  }
  const GpuNorm& norm() const { return norm_; }
  FactorOfW output(const SmStream& stream) const { return kept_.of_w(stream, scratch_); }

 private:
  GpuNorm norm_;
  bool again_;
  GpuFactor kept_;
  Bf16* scratch_;
};

}  // namespace pipeloom::backend
