#pragma once

#include "backend/cuda/kernels/cross_entropy.h"
#include "backend/cuda/kernels/embedding.h"
#include "backend/cuda/model/gpu_feed_forward.h"
#include "backend/cuda/model/gpu_norm.h"
#include "backend/cuda/model/gpu_part.h"

namespace pipeloom {

// Embedding in backend/model/embedding.h.
class GpuEmbedding : public GpuPart {
 public:
  GpuEmbedding(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  EmbeddingShape shape_;
  GpuWeight table_;
  GpuWeight positions_;
  const int32_t* tokens_ = nullptr;
  float* output_gradient_;  // [tokens, hidden] kept
};

// Head in backend/model/head.h.
class GpuHead : public GpuPart {
 public:
  GpuHead(const GpuSetup& setup, double loss_scale, const GpuPartNumbers& numbers);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  float loss_scale_;
  const GpuProducts& products_;
  GpuNorm norm_;
  GpuWeight logits_weight_;
  LogitsShape shape_;
  Bf16* normed_;           // [tokens, hidden] kept
  float* probabilities_;   // [tokens, vocabulary] kept
  Bf16* logits_gradient_;  // the same
  float* losses_;          // [tokens] scratch
};

// Mlp in backend/model/mlp.h.
class GpuMlp : public GpuPart {
 public:
  GpuMlp(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  int64_t tokens_;
  int64_t hidden_;
  GpuNorm norm_;
  GpuFeedForward inner_;
  Bf16* normed_;           // [tokens, hidden] kept
  Bf16* output_gradient_;  // the same
};

}  // namespace pipeloom
