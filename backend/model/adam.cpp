#include "backend/model/adam.h"

#include <cmath>

namespace pipeloom::backend {

void adam_step(const AdamOptions& options, int64_t step, std::span<const float> gradients, const AdamRange& range) {
  const double first_bias = 1 - std::pow(options.first_decay, static_cast<double>(step));
  const double second_bias = 1 - std::pow(options.second_decay, static_cast<double>(step));
  for (size_t i = 0; i < gradients.size(); ++i) {
    const double gradient = gradients[i];
    const double first = options.first_decay * range.first[i] + (1 - options.first_decay) * gradient;
    const double second = options.second_decay * range.second[i] + (1 - options.second_decay) * gradient * gradient;
    const double move = first / first_bias / (std::sqrt(second / second_bias) + options.epsilon);
    const double weight = range.weights[i];
    range.first[i] = static_cast<float>(first);
    range.second[i] = static_cast<float>(second);
    range.weights[i] = static_cast<float>(weight - options.learning_rate * (move + options.weight_decay * weight));
  }
}

}  // namespace pipeloom::backend
