#pragma once

#include <cstdint>

#include "core/base/result.h"

namespace pipeloom {

// How the durations of real steps scatter around those that the costs say. The default: not at all. A seed is given
// where steps are drawn (StepDraws), never here.
struct Variation {
  // Every component of every pass takes its duration times a factor of its own: log-normal with mean 1 and this
  // standard deviation.
  double jitter = 0;
  // The tokens that reach the experts of one GPU, for one layer and micro-batch, over their mean: log-normal with mean
  // 1 and this standard deviation. An expert-parallel group goes at the pace of its fullest GPU; F, I and W of a
  // micro-batch have the same routing.
  double expert_imbalance = 0;
  // In each step each rank is a straggler with this probability: all that it computes takes `straggler_slowdown` times
  // as long.
  double straggler_probability = 0;
  double straggler_slowdown = 1;

  bool none() const {
    return jitter == 0 && expert_imbalance == 0 && (straggler_probability == 0 || straggler_slowdown == 1);
  }
  bool operator==(const Variation&) const = default;
};

// Whether every field is sane; `has_experts`: whether there is something to be imbalanced.
Status check_variation(const Variation& variation, bool has_experts);

// A log-normal distribution with mean 1.
class Scatter {
 public:
  explicit Scatter(double standard_deviation);
  // REQUIRES: 0 < share < 1.
  double quantile(double share) const;

 private:
  double sigma_;  // of the logarithm
};

// The name of a draw from its parts, as in draw_key(layer, micro_batch): a well-mixed 64-bit number.
template <typename... Parts>
uint64_t draw_key(Parts... parts) {
  uint64_t key = 0;
  const auto mix = [&key](uint64_t part) {  // splitmix64 (Steele, Lea, Flood, OOPSLA 2014)
    key += part + 0x9e3779b97f4a7c15u;
    key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9u;
    key = (key ^ (key >> 27)) * 0x94d049bb133111ebu;
    key ^= key >> 31;
  };
  (mix(static_cast<uint64_t>(parts)), ...);
  return key;
}

// What one step draws. A draw depends on the seed, the step and its own name alone: the same in any order, on any
// number of threads.
class StepDraws {
 public:
  // REQUIRES: check_variation(variation) holds.
  StepDraws(const Variation& variation, uint64_t seed, uint64_t step);

  // On all that a rank computes.
  double rank_factor(int rank) const;
  // On the experts of a layer and their all-to-all, for the fullest of the `gpus` GPUs that share them.
  double expert_factor(int layer, int micro_batch, int gpus) const;
  // The same where several groups of `gpus` GPUs each are told apart: for the fullest of group `number`.
  double expert_factor_of(int number, int layer, int micro_batch, int gpus) const;
  // On what `key` names, with a scatter of its own: variation.jitter for a component, less for a sum of several.
  double jitter_factor(uint64_t key, const Scatter& scatter) const;

 private:
  double uniform(uint64_t purpose, uint64_t key) const;  // in (0, 1)
  double fullest(uint64_t key, int gpus) const;

  Variation variation_;
  Scatter experts_;
  uint64_t step_key_;
};

}  // namespace pipeloom
