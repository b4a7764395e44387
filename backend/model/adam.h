#pragma once

#include <cstdint>
#include <span>

namespace pipeloom::backend {

// Adam with decoupled weight decay (Kingma and Ba, ICLR 2015, algorithm 1; Loshchilov and Hutter, ICLR 2019).
struct AdamOptions {
  double learning_rate = 1e-3;
  double first_decay = 0.9;    // beta1
  double second_decay = 0.95;  // beta2; GPT-3's
  double epsilon = 1e-8;
  double weight_decay = 0;

  bool operator==(const AdamOptions&) const = default;
};

// A range of parameters with their state.
struct AdamRange {
  std::span<float> weights;
  std::span<float> first;   // mean of the gradients
  std::span<float> second;  // mean of their squares
};

// Step number `step` counts from 1. Each number on its own: cutting the range changes no bit.
void adam_step(const AdamOptions& options, int64_t step, std::span<const float> gradients, const AdamRange& range);

}  // namespace pipeloom::backend
