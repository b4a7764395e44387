#include "core/job/software_presets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace pipeloom {

namespace {

void overlap_replicas(Software& software) {
  software.overlap_gradients = true;
  software.overlap_weights = true;
}

// megatron-bridge, nemo-25.04 and torchtitan: what most of their recipes set whose trainings were published
// (docs/validation.md). deepseek: arXiv 2412.19437, section 3. megatron-lm and primus: what is usual (inferred).
constexpr SoftwarePreset kPresets[] = {
    {"megatron-lm", "2026-05", "Megatron-LM with TransformerEngine; the distributed optimizer overlaps",
     [](Software& software) {
       overlap_replicas(software);
       software.dummy_gradients = true;
     }},
    {"megatron-bridge", "2026-08", "Megatron-Bridge's recipes: HybridEP, gradients in BF16",
     [](Software& software) {
       overlap_replicas(software);
       software.dispatcher = Dispatcher::kHybridEp;
       software.gradients = Format::kBf16;
       software.dummy_gradients = true;
     }},
    {"nemo-25.04", "2025-06", "NeMo 2's recipes: overlapped tensor parallelism, gradients in BF16",
     [](Software& software) {
       overlap_replicas(software);
       software.overlap_tensor = true;
       software.gradients = Format::kBf16;
     }},
    {"torchtitan", "2025-06", "FSDP2 with torch.compile and PyTorch's own attention; zero_stage is 3",
     [](Software& software) {
       overlap_replicas(software);
       software.engine = StateEngine::kFsdp;
       software.loss = LossKernel::kCompiled;
       software.sdpa = true;
     }},
    {"deepseek", "2024-12", "DeepSeek-V3's own: FP8 by blocks, DeepEP beside the other pass, norms and SwiGLU again",
     [](Software& software) {
       software.recipe = ProductRecipe::kBlockwise;
       software.dispatcher = Dispatcher::kDeepEp;
       software.overlap_experts = true;
       overlap_replicas(software);
       software.low_precision_states = true;
       software.recompute.norms = true;
       software.recompute.activations = true;
       software.recompute.up_projections = true;
     }},
    {"primus", "2026-01", "AMD's Primus with Megatron Core; nothing is overlapped", [](Software&) {}},
};

}  // namespace

std::span<const SoftwarePreset> software_presets() {
  return kPresets;
}

Result<Software> software_preset(const std::string& name) {
  const auto preset = std::ranges::find(kPresets, name, &SoftwarePreset::name);
  if (preset == std::end(kPresets)) {
    std::vector<std::string_view> names;
    for (const SoftwarePreset& known : kPresets) names.push_back(known.name);
    return invalid(fmt::format("software.preset is {}; allowed are {}", name, fmt::join(names, ", ")));
  }
  Software software;
  software.name = name;
  preset->set(software);
  return software;
}

}  // namespace pipeloom
