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

}  // namespace

Status check_training_rates(const TrainingRates& rates) {
  const auto check = [](const char* name, double value, double least, double most) {
    return check_field(fmt::format("software.rates.{}", name), value, least, most);
  };
  PIPELOOM_RETURN_IF_ERROR(check("bf16_efficiency", rates.bf16_efficiency, 0.01, 1));
  PIPELOOM_RETURN_IF_ERROR(check("fp8_efficiency", rates.fp8_efficiency, 0, 1));
  PIPELOOM_RETURN_IF_ERROR(check("fp4_efficiency", rates.fp4_efficiency, 0, 1));
  PIPELOOM_RETURN_IF_ERROR(check("sustained_clock", rates.sustained_clock, 0.1, 1));
  PIPELOOM_RETURN_IF_ERROR(check("rowwise_share", rates.rowwise_share, 0.01, 10));
  PIPELOOM_RETURN_IF_ERROR(check("tensor_ring_share", rates.tensor_ring_share, 0.01, 10));
  PIPELOOM_RETURN_IF_ERROR(check("replica_ring_share", rates.replica_ring_share, 0.01, 10));
  PIPELOOM_RETURN_IF_ERROR(check("product_memory_efficiency", rates.product_memory_efficiency, 0.01, 1));
  PIPELOOM_RETURN_IF_ERROR(check("memory_efficiency", rates.memory_efficiency, 0.01, 1));
  PIPELOOM_RETURN_IF_ERROR(check("attention_slowdown", rates.attention_slowdown, 0.5, 10));
  PIPELOOM_RETURN_IF_ERROR(check("all_to_all_efficiency", rates.all_to_all_efficiency, 0.01, 1));
  PIPELOOM_RETURN_IF_ERROR(check("dispatch_bytes_per_s", rates.dispatch_bytes_per_s, 1e6, 1e15));
  PIPELOOM_RETURN_IF_ERROR(check("node_dispatch_bytes_per_s", rates.node_dispatch_bytes_per_s, 1e6, 1e15));
  PIPELOOM_RETURN_IF_ERROR(check("host_us_per_op", rates.host_us_per_op, 0, 1e6));
  PIPELOOM_RETURN_IF_ERROR(check("host_us_per_launch", rates.host_us_per_launch, 0, 1e6));
  if (rates.attention.empty()) return invalid("software.rates.attention is empty; rates of heads of 128 are needed");
  for (const AttentionRates& attention : rates.attention) PIPELOOM_RETURN_IF_ERROR(check_attention(attention));
  return {};
}

}  // namespace pipeloom
