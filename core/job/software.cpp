#include "core/job/software.h"

#include <fmt/format.h>

#include "core/base/field_check.h"

namespace pipeloom {

const char* recipe_name(ProductRecipe recipe) {
  constexpr const char* kNames[] = {"wide",          "fp8-delayed", "fp8-tensorwise", "fp8-rowwise",
                                    "fp8-blockwise", "mxfp8",       "nvfp4"};
  return kNames[static_cast<size_t>(recipe)];
}

const char* dispatcher_name(Dispatcher dispatcher) {
  constexpr const char* kNames[] = {"alltoall", "allgather", "deepep", "hybridep"};
  return kNames[static_cast<size_t>(dispatcher)];
}

const char* engine_name(StateEngine engine) {
  constexpr const char* kNames[] = {"megatron", "fsdp", "deepspeed"};
  return kNames[static_cast<size_t>(engine)];
}

const char* loss_name(LossKernel loss) {
  constexpr const char* kNames[] = {"fused", "compiled", "eager"};
  return kNames[static_cast<size_t>(loss)];
}

std::span<const RecomputedPartName> recomputed_part_names() {
  static constexpr RecomputedPartName kNames[] = {{"core_attn", &RecomputedParts::core_attention},
                                                  {"layernorm", &RecomputedParts::norms},
                                                  {"moe_act", &RecomputedParts::activations},
                                                  {"mlp", &RecomputedParts::mlp},
                                                  {"mla_up_proj", &RecomputedParts::up_projections},
                                                  {"moe", &RecomputedParts::experts},
                                                  {"op", &RecomputedParts::operators}};
  return kNames;
}

Status check_software(const Software& software) {
  PIPELOOM_RETURN_IF_ERROR(check_training_rates(software.rates));
  PIPELOOM_RETURN_IF_ERROR(check_field("software.expert_imbalance", software.expert_imbalance, 0, 100));
  const bool four_bits = software.recipe == ProductRecipe::kNvfp4;
  const bool eight_bits = software.recipe != ProductRecipe::kWide && !four_bits;
  if (four_bits && (software.rates.fp4_flops == 0 || software.rates.fp4_efficiency == 0)) {
    return invalid(fmt::format("software.recipe is nvfp4; {} has no FP4", software.rates.gpu));
  }
  if (eight_bits && software.rates.fp8_efficiency == 0) {
    return invalid(
        fmt::format("software.recipe is {}; {} has no FP8", recipe_name(software.recipe), software.rates.gpu));
  }
  if (software.dispatcher == Dispatcher::kAllGather) {
    return invalid(fmt::format("software.dispatcher is {}, which has no costs; allowed are {}, {}, {}",
                               dispatcher_name(software.dispatcher), dispatcher_name(Dispatcher::kAllToAll),
                               dispatcher_name(Dispatcher::kDeepEp), dispatcher_name(Dispatcher::kHybridEp)));
  }
  if (software.gradients != Format::kFp32 && software.gradients != Format::kBf16 &&
      software.gradients != Format::kFp16) {
    return invalid(
        fmt::format("software.gradients is {}; allowed are FP32, BF16, FP16", format_name(software.gradients)));
  }
  if (software.gathered != Format::kBf16 && software.gathered != Format::kFp8) {
    return invalid(fmt::format("software.gathered is {}; allowed are BF16, FP8", format_name(software.gathered)));
  }
  return {};
}

}  // namespace pipeloom
