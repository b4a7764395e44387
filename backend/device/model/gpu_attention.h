#pragma once

#include "backend/device/model/gpu_core.h"
#include "backend/device/model/gpu_norm.h"
#include "backend/device/model/gpu_part.h"

namespace pipeloom::backend {

// Attention in backend/model/attention.h.
class GpuAttention : public GpuPart {
 public:
  GpuAttention(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  GpuCore::Inputs core_inputs() const;
  void turn(const SmStream& stream, bool back) const;

  int64_t tokens_;
  int64_t head_dim_;
  int64_t turned_heads_;  // queries and keys; 0: positions are learned
  int64_t query_width_;
  int64_t key_width_;
  bool again_;  // the norm's output in I
  const GpuProducts& products_;
  GpuKeptNorm norm_;
  GpuWeight query_key_value_;
  GpuWeight output_;
  GpuCore core_;
  RopeTables rope_;
  // Kept.
  Bf16* inner_;          // [tokens, width of query_key_value], turned
  GpuKept core_output_;  // [tokens, heads * value_dim]
  // From I, for W.
  GpuFactor inner_gradient_;   // as inner_
  GpuFactor output_gradient_;  // [tokens, hidden]
  // Scratch.
  Bf16* rounded_inner_;   // as inner_
  float* full_inner_;     // as inner_
  float* full_core_;      // as core_output_
  Bf16* rounded_core_;    // the same
  Bf16* core_gradient_;   // the same
  float* full_hidden_;    // [tokens, hidden]
  Bf16* rounded_hidden_;  // the same
};

}  // namespace pipeloom::backend
