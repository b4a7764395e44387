#pragma once

#include <cstdint>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/costs/costs.h"

namespace pipeloom::tests {

// Draws for random inputs: evenly between both limits, which are drawn too.
inline int64_t between(std::mt19937_64& random, int64_t least, int64_t most) {
  return std::uniform_int_distribution<int64_t>(least, most)(random);
}
inline int small(std::mt19937_64& random, int least, int most) {
  return static_cast<int>(between(random, least, most));
}
inline bool sometimes(std::mt19937_64& random) {
  return between(random, 0, 1) == 1;
}
inline int64_t time_ns(std::mt19937_64& random) {
  return between(random, 0, ScheduleCosts::kMaxPassNs);
}
inline double rate(std::mt19937_64& random) {
  return std::uniform_real_distribution<double>(1e9, 1e15)(random);
}

template <typename Value>
Value value_of(Result<Value> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

template <typename Make>
auto repeat(int64_t count, Make make) {
  std::vector<decltype(make())> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(make());
  return values;
}

}  // namespace pipeloom::tests
