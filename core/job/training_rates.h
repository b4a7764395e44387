#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"

namespace pipeloom {

// What fused attention reaches on a GPU in FLOPS, at sequences of 2048, 4096, 8192, ... tokens. FLOPs count half of a
// causal square; the backward pass has 2.5 times those of the forward pass (2.6 with MLA).
struct AttentionRates {
  bool latent = false;     // of MLA's heads (192 and 128 numbers), otherwise of heads of 128
  bool eight_bit = false;  // FP8 and MXFP8, otherwise 16 bits
  bool full = false;       // without a causal mask
  std::vector<double> forward_flops;
  std::vector<double> backward_flops;

  bool operator==(const AttentionRates&) const = default;
};

// How far predicted steps of trainings that were left out of the fit are off, as ln(predicted / measured). Zeros: not
// known.
struct StepErrors {
  double low = 0;   // a tenth lies below
  double high = 0;  // a tenth lies above
  double pair = 0;  // four fifths of the differences between two trainings of one model on the same GPUs are smaller

  bool known() const { return high > low; }
  bool operator==(const StepErrors&) const = default;
};

// What kernels of today's training frameworks reach on a GPU and its host. Sources stand in proto/rates/.
struct TrainingRates {
  std::string gpu;
  // Products: shares of the dense peaks that a product without end approaches, its operands' bytes counted apart.
  double bf16_efficiency = 0;
  double fp8_efficiency = 0;
  double fp4_efficiency = 0;
  double sustained_clock = 1;  // share of the full clock that the power limit leaves if products fill all time
  double fp4_flops = 0;        // peak; 0: no FP4
  double product_memory_efficiency = 0;  // of HBM, where products read and write
  double bf16_start_us = 0;              // of one product
  double rowwise_share = 1;              // of the rate of FP8 products, where each row has a scale
  double fp8_start_us = 0;
  double fp4_start_us = 0;
  double memory_efficiency = 0;   // of HBM, of kernels that are no products
  double transposed_bytes = 0;    // that a cast writes besides, per number: Hopper's FP8 products need K-major operands
  double attention_slowdown = 1;  // in training, against the rates below
  std::vector<AttentionRates> attention;
  double window_forward_flops = 0;  // of a sliding window, FLOPs counted on the window
  double window_backward_flops = 0;
  double sdpa_forward_flops = 0;  // of PyTorch's SDPA (FlashAttention-2); 0: as above
  double sdpa_backward_flops = 0;
  double tensor_ring_share = 1;          // of the links' rate, tensor parallelism's collectives
  double replica_ring_share = 1;         // of the links' rate, collectives over replicas
  double ring_start_us = 0;              // of a collective inside an NVLink domain
  double dispatch_bytes_per_s = 0;       // DeepEP and HybridEP inside an NVLink domain, by a token's distinct targets
  double node_dispatch_bytes_per_s = 0;  // the same among 8 GPUs and fewer
  double all_to_all_efficiency = 0;      // of the NVLink rate, NCCL's all-to-all
  double host_us_per_op = 0;             // of the framework, on the host that belongs to the GPU
  double host_us_per_launch = 0;         // of one kernel from C++
  StepErrors dense_errors;               // of models without experts
  StepErrors expert_errors;              // of models with experts

  bool operator==(const TrainingRates&) const = default;
};

// Whether every field is sane; the error names field, value and what is allowed.
Status check_step_errors(const std::string& field, const StepErrors& errors);
Status check_training_rates(const TrainingRates& rates);

}  // namespace pipeloom
