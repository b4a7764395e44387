#pragma once

#include <optional>
#include <vector>

#include "backend/cuda/model/gpu_feed_forward.h"
#include "backend/cuda/model/gpu_norm.h"
#include "backend/cuda/model/gpu_part.h"

namespace pipeloom {

// Router in backend/model/router.h: the norm before the experts, and the gate.
class GpuRouter : public GpuPart {
 public:
  GpuRouter(const GpuSetup& setup, const GpuPartNumbers& numbers, std::shared_ptr<GpuMoeLayer> layer);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  std::shared_ptr<GpuMoeLayer> layer_;
  const GpuProducts& products_;
  GpuNorm norm_;
  GpuWeight gate_;
  float* logits_;          // scratch; [tokens, routed_experts]
  Bf16* logits_gradient_;  // kept; the same
};

// Dispatch in backend/model/exchange.h.
class GpuDispatch : public GpuExchange {
 public:
  GpuDispatch(std::shared_ptr<GpuMoeLayer> layer, unsigned char* alone)
      : GpuExchange(alone), layer_(std::move(layer)) {}

  void pack_forward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) override;
  void unpack_forward(const SmStream& stream, GpuFlow& flow, const unsigned char* packages) override;
  void pack_backward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) override;
  void unpack_backward(const SmStream& stream, GpuFlow& flow, const unsigned char* packages) override;

 private:
  std::shared_ptr<GpuMoeLayer> layer_;
};

// Combine in backend/model/exchange.h. Keeps the rows that came back.
class GpuCombine : public GpuExchange {
 public:
  GpuCombine(const GpuSetup& setup, std::shared_ptr<GpuMoeLayer> layer, unsigned char* alone)
      : GpuExchange(alone),
        layer_(std::move(layer)),
        rows_(setup.kept.take<unsigned char>(layer_->packages.set_bytes())) {}

  void pack_forward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) override;
  void unpack_forward(const SmStream& stream, GpuFlow& flow, const unsigned char* packages) override;
  void pack_backward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) override;
  void unpack_backward(const SmStream& stream, GpuFlow& flow, const unsigned char* packages) override;

 private:
  std::shared_ptr<GpuMoeLayer> layer_;
  unsigned char* rows_;
};

// Shared experts at home, routed ones for every source; with dispatch and combine where nothing else does them. A
// routed expert multiplies as many rows as it could get at most, whatever it got: no size depends on what a step chose.
class GpuExperts : public GpuPart {
 public:
  GpuExperts(const GpuSetup& setup, const Model& model, const PartShape& shape, bool with_exchange,
             const GpuPartNumbers& numbers, std::shared_ptr<GpuMoeLayer> layer);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  int64_t rows_of(size_t expert) const {
    return static_cast<int64_t>(expert) * padded_rows_per_expert(layer_->packages) * layer_->packages.width;
  }

  std::shared_ptr<GpuMoeLayer> layer_;
  std::vector<GpuFeedForward> routed_;
  std::optional<GpuFeedForward> shared_;
  Bf16* output_gradient_ = nullptr;  // [tokens, hidden] kept, for the shared experts
  std::optional<GpuDispatch> dispatch_;
  std::optional<GpuCombine> combine_;
};

}  // namespace pipeloom
