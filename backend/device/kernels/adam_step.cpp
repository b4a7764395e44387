#include <cmath>

#include "backend/device/kernels/adam_kernels.h"

namespace pipeloom::backend {

AdamStep adam_step_numbers(const AdamOptions& options, int64_t step, double gradient_scale) {
  AdamStep numbers;
  numbers.learning_rate = options.learning_rate;
  numbers.first_bias = 1 - std::pow(options.first_decay, static_cast<double>(step));
  numbers.second_bias = 1 - std::pow(options.second_decay, static_cast<double>(step));
  numbers.gradient_scale = gradient_scale;
  return numbers;
}

}  // namespace pipeloom::backend
