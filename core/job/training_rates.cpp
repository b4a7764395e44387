#include "core/job/training_rates.h"

#include <fmt/format.h>

#include "core/base/field_check.h"

namespace pipeloom {

namespace {

Status check_attention(const AttentionRates& rates) {
  const auto length = static_cast<int64_t>(rates.forward_flops.size());
  PIPELOOM_RETURN_IF_ERROR(check_field("software.rates.attention.forward_flops: entries", length, 1, 20));
  PIPELOOM_RETURN_IF_ERROR(check_field("software.rates.attention.backward_flops: entries",
                                       static_cast<int64_t>(rates.backward_flops.size()), length, length));
  for (const auto* flops : {&rates.forward_flops, &rates.backward_flops}) {
    for (const double rate : *flops) {
      PIPELOOM_RETURN_IF_ERROR(check_field("software.rates.attention: a rate", rate, 1e9, 1e18));
    }
  }
  return {};
}

Status check_sdpa(const TrainingRates& rates) {
  const bool forward = rates.sdpa_forward_flops > 0;
  if (forward == (rates.sdpa_backward_flops > 0)) return {};
  return invalid(fmt::format("software.rates.sdpa_{}_flops is given and sdpa_{}_flops is not; give both or neither",
                             forward ? "forward" : "backward", forward ? "backward" : "forward"));
}

}  // namespace

Status check_step_errors(const std::string& field, const StepErrors& errors) {
  PIPELOOM_RETURN_IF_ERROR(check_field(field + ".low", errors.low, -5, 5));
  PIPELOOM_RETURN_IF_ERROR(check_field(field + ".high", errors.high, errors.low, 5));
  return check_field(field + ".pair", errors.pair, 0, 5);
}

Status check_training_rates(const TrainingRates& rates) {
  struct Field {
    const char* name;
    double value;
    double least;
    double most;
    bool may_be_missing = false;  // 0
  };
  constexpr double kLeastFlops = 1e9;
  constexpr double kMostFlops = 1e18;
  constexpr double kMostUs = 1e6;
  for (const Field& field : {
           Field{"bf16_efficiency", rates.bf16_efficiency, 0.01, 1},
           Field{"fp8_efficiency", rates.fp8_efficiency, 0.01, 1, true},
           Field{"fp4_efficiency", rates.fp4_efficiency, 0.01, 1, true},
           Field{"fp4_flops", rates.fp4_flops, kLeastFlops, kMostFlops, true},
           Field{"rowwise_share", rates.rowwise_share, 0.01, 10},
           Field{"sustained_clock", rates.sustained_clock, 0.1, 1},
           Field{"tensor_ring_share", rates.tensor_ring_share, 0.01, 10},
           Field{"replica_ring_share", rates.replica_ring_share, 0.01, 10},
           Field{"product_memory_efficiency", rates.product_memory_efficiency, 0.01, 1},
           Field{"bf16_start_us", rates.bf16_start_us, 0, kMostUs},
           Field{"fp8_start_us", rates.fp8_start_us, 0, kMostUs},
           Field{"fp4_start_us", rates.fp4_start_us, 0, kMostUs},
           Field{"memory_efficiency", rates.memory_efficiency, 0.01, 1},
           Field{"transposed_bytes", rates.transposed_bytes, 0, 100},
           Field{"attention_slowdown", rates.attention_slowdown, 0.5, 10},
           Field{"window_forward_flops", rates.window_forward_flops, kLeastFlops, kMostFlops},
           Field{"window_backward_flops", rates.window_backward_flops, kLeastFlops, kMostFlops},
           Field{"sdpa_forward_flops", rates.sdpa_forward_flops, kLeastFlops, kMostFlops, true},
           Field{"sdpa_backward_flops", rates.sdpa_backward_flops, kLeastFlops, kMostFlops, true},
           Field{"ring_start_us", rates.ring_start_us, 0, kMostUs},
           Field{"dispatch_bytes_per_s", rates.dispatch_bytes_per_s, 1e6, 1e15},
           Field{"node_dispatch_bytes_per_s", rates.node_dispatch_bytes_per_s, 1e6, 1e15},
           Field{"all_to_all_efficiency", rates.all_to_all_efficiency, 0.01, 1},
           Field{"host_us_per_op", rates.host_us_per_op, 0, kMostUs},
           Field{"host_us_per_launch", rates.host_us_per_launch, 0, kMostUs},
       }) {
    if (field.may_be_missing && field.value == 0) continue;
    const std::string path = fmt::format("software.rates.{}{}", field.name, field.may_be_missing ? " (0: none)" : "");
    PIPELOOM_RETURN_IF_ERROR(check_field(path, field.value, field.least, field.most));
  }
  PIPELOOM_RETURN_IF_ERROR(check_sdpa(rates));
  PIPELOOM_RETURN_IF_ERROR(check_step_errors("software.rates.dense_errors", rates.dense_errors));
  PIPELOOM_RETURN_IF_ERROR(check_step_errors("software.rates.expert_errors", rates.expert_errors));
  if (rates.attention.empty()) return invalid("software.rates.attention is empty; rates of heads of 128 are needed");
  for (const AttentionRates& attention : rates.attention) PIPELOOM_RETURN_IF_ERROR(check_attention(attention));
  return {};
}

}  // namespace pipeloom
