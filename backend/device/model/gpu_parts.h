#pragma once

#include <memory>

#include "backend/device/model/gpu_part.h"

namespace pipeloom::backend {

// Parts that nothing but the stage knows, as backend/model/ has them: Attention, Mla (attention with compressed keys
// and values) and Mlp.
std::unique_ptr<GpuPart> make_gpu_attention(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers);
std::unique_ptr<GpuPart> make_gpu_mla(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers);
std::unique_ptr<GpuPart> make_gpu_mlp(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers);

}  // namespace pipeloom::backend
