#pragma once

#include "backend/device/kernels/cross_entropy_kernels.h"
#include "backend/device/kernels/embedding_kernels.h"
#include "backend/device/model/gpu_norm.h"
#include "backend/device/model/gpu_part.h"

namespace pipeloom::backend {

// The parts at the ends of a model, which use its tables; backend/model/end_parts.h has the maths.

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
  Bf16* output_gradient_;  // [tokens, hidden] from I
};

// MtpInput in backend/model/mtp_input.h: of the MTP module number `depth`, from 1.
class GpuMtpInput : public GpuPart {
 public:
  GpuMtpInput(const GpuSetup& setup, const Model& model, int depth, const GpuPartNumbers& numbers);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  // Side by side: of the hidden state, and of the embedding.
  TokenRows<Bf16> half(Bf16* joined, int64_t number) const {
    return {joined + number * shape_.hidden, 2 * shape_.hidden};
  }

  int depth_;
  bool again_;  // the norms' outputs in I
  EmbeddingShape shape_;
  const GpuProducts& products_;
  GpuNorm hidden_norm_;
  GpuNorm embedding_norm_;
  GpuWeight projection_;
  GpuWeight table_;
  const int32_t* tokens_ = nullptr;
  GpuFactor normed_;           // [tokens, 2 * hidden]
  GpuFactor output_gradient_;  // [tokens, hidden] from I
  Bf16* embedding_gradient_;   // the same
  // Scratch.
  Bf16* joined_;            // [tokens, 2 * hidden]
  Bf16* embedding_;         // [tokens, hidden]
  float* full_hidden_;      // the same
  float* joined_gradient_;  // [tokens, 2 * hidden]
};

// Head in backend/model/head.h: of the main model, depth 0, or of an MTP module.
class GpuHead : public GpuPart {
 public:
  GpuHead(const GpuSetup& setup, const Model& model, int depth, double loss_scale, const GpuPartNumbers& numbers);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  int depth_;
  bool is_last_;  // no MTP module reads what this head reads
  float loss_scale_;
  const GpuProducts& products_;
  GpuNorm norm_;
  GpuWeight logits_weight_;
  LogitsShape shape_;
  Bf16* normed_;            // [tokens, hidden] kept
  float* probabilities_;    // [tokens, vocabulary] kept
  Bf16* logits_gradient_;   // the same, from I
  float* losses_;           // [tokens] scratch
  float* normed_gradient_;  // [tokens, hidden] scratch
};

}  // namespace pipeloom::backend
