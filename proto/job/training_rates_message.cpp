#include "proto/job/training_rates_message.h"

#include "proto/base/columns.h"
#include "proto/job/job.pb.h"

namespace pipeloom::proto {

namespace {

void store_attention_rates(const AttentionRates& rates, message::AttentionRates* message) {
  message->set_latent(rates.latent);
  message->set_eight_bit(rates.eight_bit);
  message->set_full(rates.full);
  store_values(rates.forward_flops, message->mutable_forward_flops());
  store_values(rates.backward_flops, message->mutable_backward_flops());
}

AttentionRates load_attention_rates(const message::AttentionRates& message) {
  return {message.latent(),
          message.eight_bit(),
          message.full(),
          {message.forward_flops().begin(), message.forward_flops().end()},
          {message.backward_flops().begin(), message.backward_flops().end()}};
}

}  // namespace

void store_step_errors(const StepErrors& errors, message::StepErrors* message) {
  message->set_low(errors.low);
  message->set_high(errors.high);
  message->set_pair(errors.pair);
}

StepErrors load_step_errors(const message::StepErrors& message) {
  return {message.low(), message.high(), message.pair()};
}

void store_training_rates(const TrainingRates& rates, message::TrainingRates* message) {
  message->set_gpu(rates.gpu);
  message->set_bf16_efficiency(rates.bf16_efficiency);
  message->set_fp8_efficiency(rates.fp8_efficiency);
  message->set_fp4_efficiency(rates.fp4_efficiency);
  message->set_fp4_flops(rates.fp4_flops);
  message->set_product_memory_efficiency(rates.product_memory_efficiency);
  message->set_bf16_start_us(rates.bf16_start_us);
  message->set_fp8_start_us(rates.fp8_start_us);
  message->set_fp4_start_us(rates.fp4_start_us);
  message->set_memory_efficiency(rates.memory_efficiency);
  message->set_transposed_bytes(rates.transposed_bytes);
  message->set_attention_slowdown(rates.attention_slowdown);
  message->set_window_forward_flops(rates.window_forward_flops);
  message->set_window_backward_flops(rates.window_backward_flops);
  message->set_sdpa_forward_flops(rates.sdpa_forward_flops);
  message->set_sdpa_backward_flops(rates.sdpa_backward_flops);
  message->set_ring_start_us(rates.ring_start_us);
  message->set_dispatch_bytes_per_s(rates.dispatch_bytes_per_s);
  message->set_node_dispatch_bytes_per_s(rates.node_dispatch_bytes_per_s);
  message->set_all_to_all_efficiency(rates.all_to_all_efficiency);
  message->set_host_us_per_op(rates.host_us_per_op);
  message->set_host_us_per_launch(rates.host_us_per_launch);
  message->set_rowwise_share(rates.rowwise_share);
  message->set_tensor_ring_share(rates.tensor_ring_share);
  message->set_replica_ring_share(rates.replica_ring_share);
  message->set_sustained_clock(rates.sustained_clock);
  store_step_errors(rates.dense_errors, message->mutable_dense_errors());
  store_step_errors(rates.expert_errors, message->mutable_expert_errors());
  for (const AttentionRates& attention : rates.attention) store_attention_rates(attention, message->add_attention());
}

Result<TrainingRates> load_training_rates(const message::TrainingRates& message) {
  TrainingRates rates;
  rates.gpu = message.gpu();
  rates.bf16_efficiency = message.bf16_efficiency();
  rates.fp8_efficiency = message.fp8_efficiency();
  rates.fp4_efficiency = message.fp4_efficiency();
  rates.fp4_flops = message.fp4_flops();
  rates.product_memory_efficiency = message.product_memory_efficiency();
  rates.bf16_start_us = message.bf16_start_us();
  rates.fp8_start_us = message.fp8_start_us();
  rates.fp4_start_us = message.fp4_start_us();
  rates.memory_efficiency = message.memory_efficiency();
  rates.transposed_bytes = message.transposed_bytes();
  if (message.has_attention_slowdown()) rates.attention_slowdown = message.attention_slowdown();
  rates.window_forward_flops = message.window_forward_flops();
  rates.window_backward_flops = message.window_backward_flops();
  rates.sdpa_forward_flops = message.sdpa_forward_flops();
  rates.sdpa_backward_flops = message.sdpa_backward_flops();
  rates.ring_start_us = message.ring_start_us();
  rates.dispatch_bytes_per_s = message.dispatch_bytes_per_s();
  rates.node_dispatch_bytes_per_s = message.node_dispatch_bytes_per_s();
  rates.all_to_all_efficiency = message.all_to_all_efficiency();
  rates.host_us_per_op = message.host_us_per_op();
  rates.host_us_per_launch = message.host_us_per_launch();
  if (message.has_rowwise_share()) rates.rowwise_share = message.rowwise_share();
  if (message.has_tensor_ring_share()) rates.tensor_ring_share = message.tensor_ring_share();
  if (message.has_replica_ring_share()) rates.replica_ring_share = message.replica_ring_share();
  rates.dense_errors = load_step_errors(message.dense_errors());
  rates.expert_errors = load_step_errors(message.expert_errors());
  if (message.has_sustained_clock()) rates.sustained_clock = message.sustained_clock();
  for (const message::AttentionRates& attention : message.attention()) {
    rates.attention.push_back(load_attention_rates(attention));
  }
  PIPELOOM_RETURN_IF_ERROR(check_training_rates(rates));
  return rates;
}

}  // namespace pipeloom::proto
