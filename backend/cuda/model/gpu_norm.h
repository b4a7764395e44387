#pragma once

#include "backend/cuda/kernels/rms_norm.h"
#include "backend/cuda/model/gpu_setup.h"

namespace pipeloom {

// An RMSNorm with what it keeps of one micro-batch, as RmsNorm in backend/model/rms_norm.h.
class GpuNorm {
 public:
  GpuNorm(const GpuSetup& setup, const GpuWeight& weight)
      : weight_(weight),
        shape_{setup.tokens, weight.columns},
        normalised_(setup.kept.take<float>(shape_.rows * shape_.width)),
        inverse_(setup.kept.take<float>(shape_.rows)),
        output_gradient_(setup.kept.take<float>(shape_.rows * shape_.width)) {}

  void forward(const SmStream& stream, const float* x, int64_t x_stride, Bf16* output) const {
    rms_norm_forward(stream, shape_, x, x_stride, weight_.full, normalised_, inverse_, output);
  }
  // Where the gradient of the output is to be put before input_backward; W needs it too.
  float* output_gradient() const { return output_gradient_; }
  void input_backward(const SmStream& stream, const float* residual, float* x_gradient) const {
    rms_norm_input_backward(stream, shape_, output_gradient_, weight_.full, normalised_, inverse_, residual,
                            x_gradient);
  }
  void weight_backward(const SmStream& stream) const {
    rms_norm_weight_backward(stream, shape_, output_gradient_, normalised_, weight_.gradient);
  }

 private:
  GpuWeight weight_;
  RmsNormShape shape_;
  float* normalised_;
  float* inverse_;
  float* output_gradient_;
};

}  // namespace pipeloom
