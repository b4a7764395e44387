#pragma once

#include <bit>
#include <cstdint>

namespace pipeloom::planner {

// Random numbers from a seed, equal on every machine (splitmix64: Steele, Lea, Flood, Fast Splittable Pseudorandom
// Number Generators, OOPSLA 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  // Returns a number in 0 .. bound-1. REQUIRES: 0 < bound < 2^32.
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>((next() >> 32) * bound >> 32); }

  // Returns by how much a move of simulated annealing may be worse: 0 or more, at most `heat_ns` half the time. Every
  // further `heat_ns` halves the likelihood.
  int64_t allowance_ns(int64_t heat_ns) {
    if (heat_ns == 0) return 0;
    const uint64_t bits = next();
    const int halvings = std::countl_zero(bits | 1);
    const auto fraction = static_cast<int64_t>(bits & 0xffff);
    return heat_ns * halvings + (heat_ns * fraction >> 16);
  }

 private:
  uint64_t state_;
};

}  // namespace pipeloom::planner
