#pragma once

#include "backend/device/kernels/activation_kernels.h"
#include "backend/device/model/gpu_factor.h"
#include "backend/device/model/gpu_setup.h"

namespace pipeloom::backend {

// FeedForward in backend/model/feed_forward.h, for so many rows; its input is kept by who uses it.
class GpuFeedForward {
 public:
  GpuFeedForward(const GpuSetup& setup, const GpuWeight& up, const GpuWeight& down, int64_t rows, bool gated);

  void forward(const SmStream& stream, const Bf16* input, float* output) const;
  void input_backward(const SmStream& stream, const Bf16* output_gradient, float* input_gradient) const;
  // The same where each row of the output was multiplied by a weight, which becomes its gradient. `output_gradient` is
  // overwritten.
  void weighed_input_backward(const SmStream& stream, Bf16* output_gradient, float* row_weights,
                              float* input_gradient) const;
  void weight_backward(const SmStream& stream, const FactorOfW& input) const;

 private:
  void through_activation(const SmStream& stream, const Bf16* inner, float* input_gradient) const;

  const GpuProducts& products_;
  GpuWeight up_;
  GpuWeight down_;
  ActivationShape shape_;
  bool again_;           // the activation function in I, for W
  GpuKept inner_;        // [rows, up width] before the activation function
  GpuFactor activated_;  // [rows, intermediate]
  // From I, for W.
  GpuFactor inner_gradient_;   // [rows, up width]
  GpuFactor output_gradient_;  // [rows, hidden]
  // Scratch.
  float* full_inner_;          // [rows, up width]
  Bf16* rounded_inner_;        // the same
  Bf16* rounded_gradient_;     // the same
  Bf16* rounded_activated_;    // [rows, intermediate]
  float* activated_gradient_;  // the same
  Bf16* rounded_output_;       // [rows, hidden]
};

}  // namespace pipeloom::backend
