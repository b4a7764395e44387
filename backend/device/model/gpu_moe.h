#pragma once

#include <optional>
#include <vector>

#include "backend/device/model/gpu_feed_forward.h"
#include "backend/device/model/gpu_norm.h"
#include "backend/device/model/gpu_part.h"

namespace pipeloom::backend {

// Router in backend/model/router.h: the norm before the experts, and the gate.
class GpuRouter : public GpuPart {
 public:
  GpuRouter(const GpuSetup& setup, const Model& model, const PartShape& shape, const GpuPartNumbers& numbers,
            std::shared_ptr<GpuMoeLayer> layer);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  const GateShape& gate() const { return layer_->shape().gate; }

  std::shared_ptr<GpuMoeLayer> layer_;
  bool keeps_;  // the norm's output in F ...
  bool again_;  // ... or in I, by the router because there are no shared experts
  const GpuProducts& products_;
  GpuNorm norm_;
  GpuWeight gate_;
  GpuWeight bias_;  // of the experts, where the gate has them
  GateBalance balance_;
  int64_t* loads_;         // GpuPartNumbers::loads
  float* scores_;          // [tokens, routed_experts] kept where I needs them
  int32_t* counts_;        // [sequence][routed_experts] scratch
  Bf16* logits_gradient_;  // [tokens, routed_experts] from I
  Bf16* rounded_normed_;   // [tokens, hidden] scratch
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

// Combine in backend/model/exchange.h.
class GpuCombine : public GpuExchange {
 public:
  GpuCombine(std::shared_ptr<GpuMoeLayer> layer, unsigned char* alone) : GpuExchange(alone), layer_(std::move(layer)) {}

  void pack_forward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) override;
  void unpack_forward(const SmStream& stream, GpuFlow& flow, const unsigned char* packages) override;
  void pack_backward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) override;
  void unpack_backward(const SmStream& stream, GpuFlow& flow, const unsigned char* packages) override;

 private:
  std::shared_ptr<GpuMoeLayer> layer_;
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
  struct Routed {
    GpuKept rows;  // padded: what the expert got
    GpuFeedForward maths;
  };
  int64_t rows_per_expert() const { return padded_rows_per_expert(layer_->shape()); }
  int64_t size_per_expert() const { return rows_per_expert() * layer_->shape().width; }

  std::shared_ptr<GpuMoeLayer> layer_;
  int64_t size_;  // tokens * hidden
  bool again_;    // the router's norm's output, for shared experts, in I
  std::vector<Routed> routed_;
  std::optional<GpuFeedForward> shared_;
  Bf16* rounded_rows_ = nullptr;  // of one expert or of the tokens, scratch
  float* full_hidden_ = nullptr;  // [tokens, hidden] scratch
  std::optional<GpuDispatch> dispatch_;
  std::optional<GpuCombine> combine_;
};

}  // namespace pipeloom::backend
