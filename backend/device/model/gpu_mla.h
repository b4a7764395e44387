#pragma once

#include <optional>

#include "backend/device/model/gpu_core.h"
#include "backend/device/model/gpu_norm.h"
#include "backend/device/model/gpu_part.h"

namespace pipeloom::backend {

// Mla in backend/model/mla.h: attention with compressed keys and values.
class GpuMla : public GpuPart {
 public:
  GpuMla(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  // Of the normed input: the latents and the rotary key, which all heads share.
  void compress(const SmStream& stream, const Bf16* normed);
  void make_query(const SmStream& stream, const Bf16* input) const;
  void make_key_and_value(const SmStream& stream, const Bf16* latent) const;
  void recompute(const SmStream& stream) const;
  void query_backward(const SmStream& stream) const;
  void key_and_value_backward(const SmStream& stream) const;
  GpuCore::Inputs core_inputs() const {
    return {{query_, query_width()}, {key_, query_width()}, {value_, value_width()}};
  }
  // The rotary part of every head in rows of queries or keys.
  HeadShape rotary_shape() const { return {tokens_, shape_.heads, shape_.rope_dim}; }
  int64_t query_width() const { return shape_.heads * head_width_; }
  int64_t value_width() const { return int64_t{shape_.heads} * shape_.value_dim; }
  AttentionShape shape_;
  int64_t tokens_;
  int64_t head_width_;  // head_dim + rope_dim
  bool again_;          // latents, queries, keys and values in I
  const GpuProducts& products_;
  GpuKeptNorm norm_;
  GpuWeight down_;
  GpuKeptNorm latent_norm_;
  GpuWeight up_;
  GpuWeight output_;
  GpuWeight query_weight_;
  GpuWeight query_down_;
  std::optional<GpuKeptNorm> query_norm_;  // with query compression
  GpuCore core_;
  RopeTables rope_;
  // Kept.
  Bf16* shared_key_;  // [tokens, rope], turned
  Bf16* query_;       // these three are scratch where they are computed again
  Bf16* key_;
  Bf16* value_;
  GpuKept core_output_;  // [tokens, heads * value_dim]
  // Kept from I on.
  GpuFactor query_gradient_;
  GpuFactor query_down_gradient_;
  GpuFactor up_gradient_;
  GpuFactor down_gradient_;
  GpuFactor output_gradient_;
  // Scratch.
  float* full_query_;     // [tokens, heads * (d + rope)]; also its gradient
  float* full_key_;       // the same of keys
  float* full_value_;     // [tokens, heads * value_dim]
  float* full_up_;        // [tokens, heads * (d + value_dim)]
  float* full_latent_;    // [tokens, the larger of q rank and kv rank + rope]
  Bf16* rounded_latent_;  // the same
  float* full_shared_key_;
  float* full_core_;        // [tokens, heads * value_dim]
  Bf16* rounded_core_;      // the same
  Bf16* core_gradient_;     // the same
  float* full_hidden_;      // [tokens, hidden]
  Bf16* rounded_gradient_;  // of the widest of the gradients that are kept
};

}  // namespace pipeloom::backend
