#pragma once

#include <span>
#include <vector>

#include "core/cluster.h"
#include "core/model.h"
#include "core/result.h"

namespace pipeloom {

// How the model is spread over the GPUs. gpus = pipeline * data * tensor. An expert-parallel group is `expert`
// consecutive data-parallel replicas of one pipeline rank.
struct Layout {
  int pipeline = 1;  // ranks of one pipeline
  int data = 1;      // pipelines side by side
  int tensor = 1;
  int expert = 1;                     // divides data * tensor
  std::vector<int> layers_per_stage;  // empty: balanced by cost; otherwise sums to the model's layers

  // GPUs that hold the same pipeline rank.
  int replicas() const { return data * tensor; }
  bool operator==(const Layout&) const = default;
};

// Whether every layer is on one stage, none negative, and (where `stages` > 0) there is one entry for each stage. A
// stage may be without layers: the embedding or the head alone.
Status check_layers_per_stage(std::span<const int> layers_per_stage, int layers, int stages);

// Whether the layout fits the model and fills the cluster; either may be absent (null). That layers_per_stage has one
// entry per stage is checked once the placement is known.
Status check_layout(const Layout& layout, const Model* model, const Cluster* cluster);

}  // namespace pipeloom
