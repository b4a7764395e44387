#pragma once

#include <optional>

#include "backend/cuda/model/gpu_core.h"
#include "backend/cuda/model/gpu_norm.h"
#include "backend/cuda/model/gpu_part.h"

namespace pipeloom {

// Mla in backend/model/mla.h: attention with compressed keys and values.
class GpuMla : public GpuPart {
 public:
  GpuMla(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  void make_query(const SmStream& stream) const;
  void make_key_and_value(const SmStream& stream) const;
  void query_backward(const SmStream& stream) const;
  void key_and_value_backward(const SmStream& stream) const;
  GpuCore::Inputs core_inputs() const {
    return {{query_, query_width()}, {key_, query_width()}, {value_, value_width()}};
  }
  // The rotary part of every head in rows of queries or keys.
  HeadShape rotary_shape() const { return {tokens_, shape_.heads, shape_.rope_dim}; }
  int64_t query_width() const { return shape_.heads * head_width_; }
  int64_t value_width() const { return int64_t{shape_.heads} * shape_.value_dim; }
  // Of the rows that normed queries are made from.
  const Bf16* query_input() const { return query_norm_ ? query_latent_ : normed_; }

  AttentionShape shape_;
  int64_t tokens_;
  int64_t head_width_;  // head_dim + rope_dim
  const GpuProducts& products_;
  GpuNorm norm_;
  GpuWeight down_;
  GpuNorm latent_norm_;
  GpuWeight up_;
  GpuWeight output_;
  GpuWeight query_weight_;
  GpuWeight query_down_;
  std::optional<GpuNorm> query_norm_;  // with query compression
  GpuCore core_;
  RopeTables rope_;
  // Kept.
  Bf16* normed_;
  Bf16* query_latent_ = nullptr;
  Bf16* latent_;
  Bf16* query_;
  Bf16* key_;
  Bf16* value_;
  Bf16* core_output_;
  Bf16* query_gradient_;
  Bf16* query_down_gradient_ = nullptr;
  Bf16* up_gradient_;
  Bf16* down_gradient_;
  Bf16* output_gradient_;
  // Scratch.
  float* full_query_;    // [tokens, heads * (d + rope)]; also its gradient
  float* full_key_;      // the same of keys
  float* full_value_;    // [tokens, heads * value_dim]
  float* full_up_;       // [tokens, heads * (d + value_dim)]
  float* full_down_;     // [tokens, kv rank + rope]
  float* full_latent_;   // [tokens, the larger of the ranks]
  float* full_core_;     // [tokens, heads * value_dim]
  Bf16* core_gradient_;  // the same
};

}  // namespace pipeloom
