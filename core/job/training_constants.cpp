#include "core/job/training_constants.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/field_check.h"

namespace pipeloom {

namespace {

bool every_gpu(const TrainingRates&) {
  return true;
}
bool grace(const TrainingRates& rates) {
  return rates.gpu.starts_with("GB");
}
bool x86(const TrainingRates& rates) {
  return !grace(rates);
}
bool a100(const TrainingRates& rates) {
  return rates.gpu.starts_with("A100");
}
bool hopper(const TrainingRates& rates) {
  return rates.gpu.starts_with("H");
}
bool blackwell_board(const TrainingRates& rates) {
  return rates.gpu == "B200" || rates.gpu == "B300";
}
bool has_sdpa(const TrainingRates& rates) {
  return rates.sdpa_forward_flops > 0;
}

void scale_products(TrainingRates& rates, double factor) {
  rates.bf16_efficiency *= factor;
  rates.fp8_efficiency *= factor;
  rates.fp4_efficiency *= factor;
}
void scale_clock(TrainingRates& rates, double factor) {
  rates.sustained_clock = std::min(1.0, rates.sustained_clock * factor);
}
void scale_host(TrainingRates& rates, double factor) {
  rates.host_us_per_op *= factor;
  rates.host_us_per_launch *= factor;
}

constexpr TrainingConstant kConstants[] = {
    {"attention", "time of fused attention in training, against the newest cuDNN's benchmark", 0.25, 0.7, 2, every_gpu,
     [](TrainingRates& rates, double factor) { rates.attention_slowdown *= factor; }},
    {"memory", "share of HBM's rate that kernels reach which are no products, over the bytes that are counted", 0.4,
     0.3, 1.2, every_gpu, [](TrainingRates& rates, double factor) { rates.memory_efficiency *= factor; }},
    {"host-x86", "time of the host for an operation of the framework", 1, 0.5, 6, x86, scale_host},
    {"host-grace", "the same on Grace", 1, 0.5, 6, grace, scale_host},
    {"products-a100", "rate of products", 0.1, 0.7, 1.3, a100, scale_products},
    {"products-fp8", "rate of products of 8 bits, against those of 16", 0.08, 0.7, 1.3, every_gpu,
     [](TrainingRates& rates, double factor) { rates.fp8_efficiency *= factor; }},
    {"clock-hopper", "clock under the power limit", 0.08, 0.7, 1.3, hopper, scale_clock},
    {"clock-b200", "the same on boards of eight Blackwell GPUs", 0.1, 0.6, 1.4, blackwell_board, scale_clock},
    {"clock-gb200", "the same", 0.1, 0.6, 1.4, [](const TrainingRates& rates) { return rates.gpu == "GB200"; },
     scale_clock},
    {"clock-gb300", "the same", 0.1, 0.6, 1.4, [](const TrainingRates& rates) { return rates.gpu == "GB300"; },
     scale_clock},
    {"products-rowwise", "rate of FP8 products with a scale per row, against other FP8 products", 0.4, 0.2, 1.1,
     every_gpu, [](TrainingRates& rates, double factor) { rates.rowwise_share *= factor; }},
    {"attention-sdpa", "rate of PyTorch's own attention", 0.2, 0.5, 1.5, has_sdpa,
     [](TrainingRates& rates, double factor) {
       rates.sdpa_forward_flops *= factor;
       rates.sdpa_backward_flops *= factor;
     }},
    {"rings-replicas", "rate of collectives over replicas, against the links'", 0.3, 0.4, 1.3, every_gpu,
     [](TrainingRates& rates, double factor) { rates.replica_ring_share *= factor; }},
    {"rings-tensor", "rate of tensor parallelism's collectives, against the links'", 0.2, 0.5, 1.3, every_gpu,
     [](TrainingRates& rates, double factor) { rates.tensor_ring_share *= factor; }},
};

}  // namespace

std::span<const TrainingConstant> training_constants() {
  return kConstants;
}

Status check_factors(const ConstantFactors& factors) {
  for (const auto& [name, factor] : factors) {
    const auto constant = std::ranges::find(kConstants, name, &TrainingConstant::name);
    if (constant == std::end(kConstants)) return invalid(fmt::format("constant {} is unknown", name));
    PIPELOOM_RETURN_IF_ERROR(
        check_field(fmt::format("factor of the constant {}", name), factor, constant->least, constant->most));
  }
  return {};
}

TrainingRates with_factors(TrainingRates rates, const ConstantFactors& factors) {
  for (const TrainingConstant& constant : kConstants) {
    const auto factor = factors.find(constant.name);
    if (factor != factors.end() && constant.concerns(rates)) constant.scale(rates, factor->second);
  }
  return rates;
}

Status check_fitted(const FittedConstants& fitted) {
  PIPELOOM_RETURN_IF_ERROR(check_factors(fitted.factors));
  PIPELOOM_RETURN_IF_ERROR(check_step_errors("dense_errors", fitted.dense_errors));
  return check_step_errors("expert_errors", fitted.expert_errors);
}

TrainingRates with_fitted(TrainingRates rates, const FittedConstants& fitted) {
  rates = with_factors(std::move(rates), fitted.factors);
  rates.dense_errors = fitted.dense_errors;
  rates.expert_errors = fitted.expert_errors;
  return rates;
}

}  // namespace pipeloom
