#include "backend/device/model/gpu_part.h"

#include <algorithm>

#include "backend/device/model/gpu_ends.h"
#include "backend/device/model/gpu_moe.h"
#include "backend/device/model/gpu_parts.h"

namespace pipeloom::backend {

namespace {

// A stage without layers hands its input on.
class GpuNothing : public GpuPart {
 public:
  void forward(const SmStream& /*stream*/, GpuFlow& /*flow*/) override {}
  void input_backward(const SmStream& /*stream*/, GpuFlow& /*flow*/) override {}
};

}  // namespace

std::unique_ptr<GpuPart> make_gpu_part(const GpuSetup& setup, Component component, int layer, const Model& model,
                                       const PartShape& shape, bool with_exchange, const GpuPartNumbers& numbers,
                                       std::shared_ptr<GpuMoeLayer>& moe) {
  const int depth = std::max(layer - model.layers, 0);  // of an MTP module; 0: of the main model
  switch (component) {
    case Component::kStage:
    case Component::kWait:
      return std::make_unique<GpuNothing>();
    case Component::kEmbed:
      if (depth > 0) return std::make_unique<GpuMtpInput>(setup, model, depth, numbers);
      return std::make_unique<GpuEmbedding>(setup, model, numbers);
    case Component::kAttention:
      if (model.attention.is_mla()) return make_gpu_mla(setup, model, numbers);
      return make_gpu_attention(setup, model, numbers);
    case Component::kRouter:
      moe = std::make_shared<GpuMoeLayer>(setup, model, shape);
      return std::make_unique<GpuRouter>(setup, model, shape, numbers, moe);
    case Component::kDispatch:
      return std::make_unique<GpuDispatch>(moe, nullptr);
    case Component::kExperts:
      return std::make_unique<GpuExperts>(setup, model, shape, with_exchange, numbers, moe);
    case Component::kMlp:
      return make_gpu_mlp(setup, model, numbers);
    case Component::kCombine:
      return std::make_unique<GpuCombine>(moe, nullptr);
    case Component::kHead:
      return std::make_unique<GpuHead>(setup, model, depth, shape.loss_scale, numbers);
  }
  check_failed("a component", __FILE__, __LINE__);
}

}  // namespace pipeloom::backend
