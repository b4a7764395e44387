#pragma once

#include <cstdint>
#include <vector>

#include "core/result.h"

namespace pipeloom {

// How the model is spread over the GPUs. gpus = pipeline * data * tensor. An expert-parallel group is `expert`
// consecutive data-parallel replicas of one pipeline rank.
struct Layout {
  int pipeline = 1;  // ranks of one pipeline
  int data = 1;      // pipelines side by side
  int tensor = 1;
  int expert = 1;    // divides data * tensor
  std::vector<int> layers_per_stage;  // empty: balanced by cost; otherwise sums to the model's layers

  bool operator==(const Layout&) const = default;
};

}  // namespace pipeloom
