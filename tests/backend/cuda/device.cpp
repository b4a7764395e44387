#include "tests/backend/cuda/device.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "backend/model/low_precision.h"
#include "tests/backend/support.h"

namespace pipeloom::tests {

std::vector<float> random_floats(int64_t count, uint64_t seed, float scale) {
  std::vector<float> numbers;
  for (const double number : random_numbers(count, seed)) numbers.push_back(static_cast<float>(number) * scale);
  return numbers;
}

std::vector<backend::Bf16> rounded_to_bf16(std::span<const float> numbers) {
  std::vector<backend::Bf16> result;
  for (const float number : numbers) result.push_back({backend::encode(number, backend::kBf16Format)});
  return result;
}

std::vector<float> widened(std::span<const backend::Bf16> numbers) {
  std::vector<float> result;
  for (const backend::Bf16 number : numbers) result.push_back(backend::decode(number.bits, backend::kBf16Format));
  return result;
}

double relative_difference(std::span<const float> actual, std::span<const float> expected) {
  if (actual.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double most = 0;
  double difference = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(expected[i])));
    const double own = std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i]));
    if (!(own <= std::numeric_limits<double>::max())) return std::numeric_limits<double>::infinity();  // NaN too
    difference = std::max(difference, own);
  }
  return most == 0 ? difference : difference / most;
}

}  // namespace pipeloom::tests
