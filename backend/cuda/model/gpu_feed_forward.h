#pragma once

#include <string>

#include "backend/cuda/kernels/activation.h"
#include "backend/cuda/model/gpu_setup.h"

namespace pipeloom {

// FeedForward in backend/model/feed_forward.h, for so many rows; its input and the gradient of its output are kept by
// who uses it.
class GpuFeedForward {
 public:
  GpuFeedForward(const GpuSetup& setup, const GpuWeight& up, const GpuWeight& down, int64_t rows, bool gated)
      : products_(setup.linear),
        up_(up),
        down_(down),
        shape_{rows, down.rows, gated},
        inner_(setup.kept.take<float>(rows * up.columns)),
        inner_gradient_(setup.kept.take<Bf16>(rows * up.columns)),
        activated_(setup.scratch.take<Bf16>(rows * down.rows)),
        activated_gradient_(setup.scratch.take<float>(rows * down.rows)) {
    products_.prepare(rows, up);
    products_.prepare(rows, down);
  }

  void forward(const SmStream& stream, const Bf16* input, float* output, Into into) const {
    products_.times(stream, input, shape_.rows, up_, inner_, Into::kSet);
    activate(stream, shape_, inner_, activated_);
    products_.times(stream, activated_, shape_.rows, down_, output, into);
  }
  void input_backward(const SmStream& stream, const Bf16* output_gradient, float* input_gradient) const {
    products_.input_gradient(stream, output_gradient, shape_.rows, down_, activated_gradient_, Into::kSet);
    activate_backward(stream, shape_, inner_, activated_gradient_, inner_gradient_);
    products_.input_gradient(stream, inner_gradient_, shape_.rows, up_, input_gradient, Into::kSet);
  }
  void weight_backward(const SmStream& stream, const Bf16* input, const Bf16* output_gradient) const {
    products_.add_weight_gradient(stream, input, inner_gradient_, shape_.rows, up_);
    activate(stream, shape_, inner_, activated_);
    products_.add_weight_gradient(stream, activated_, output_gradient, shape_.rows, down_);
  }

 private:
  const GpuProducts& products_;
  GpuWeight up_;
  GpuWeight down_;
  ActivationShape shape_;
  float* inner_;          // [rows, up width] before the activation function
  Bf16* inner_gradient_;  // the same, from I
  Bf16* activated_;       // [rows, intermediate]
  float* activated_gradient_;
};

}  // namespace pipeloom
