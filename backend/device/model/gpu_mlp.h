#pragma once

#include "backend/device/model/gpu_feed_forward.h"
#include "backend/device/model/gpu_norm.h"
#include "backend/device/model/gpu_part.h"

namespace pipeloom::backend {

// Mlp in backend/model/mlp.h.
class GpuMlp : public GpuPart {
 public:
  GpuMlp(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  int64_t size_;  // tokens * hidden
  bool again_;    // the norm's output in I
  GpuKeptNorm norm_;
  GpuFeedForward inner_;
  float* full_hidden_;  // [tokens, hidden] scratch
};

}  // namespace pipeloom::backend
