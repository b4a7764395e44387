#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/job/cluster.h"
#include "core/job/model.h"

namespace pipeloom {

// A way in which GPUs share a step. Stored in plans: values never change.
enum class Dimension : uint8_t { kTensor = 0, kContext = 1, kData = 2, kPipeline = 3 };
const char* dimension_name(Dimension dimension);  // "tensor", ...

// How the model is spread over the GPUs. gpus = pipeline * data * context * tensor. An expert-parallel group is
// `expert` consecutive GPUs of one pipeline rank.
struct Layout {
  int pipeline = 1;  // ranks of one pipeline
  int data = 1;      // pipelines side by side
  int context = 1;   // GPUs that share a sequence, keys and values gathered (Llama 3, section 3.3.2)
  int tensor = 1;
  int expert = 1;                     // divides data * context * tensor
  bool sequence_parallel = true;      // tensor parallelism splits norms and residuals too
  std::vector<int> layers_per_stage;  // empty: balanced by cost; otherwise sums to the model's layers
  // Which GPUs are neighbours: GPUs are numbered along the first dimension first, and fill the nodes in that order.
  std::array<Dimension, 4> gpu_order = {Dimension::kTensor, Dimension::kContext, Dimension::kData,
                                        Dimension::kPipeline};

  int size(Dimension dimension) const;
  // GPUs that hold the same pipeline rank.
  int replicas() const { return data * context * tensor; }
  bool operator==(const Layout&) const = default;
};

// Whether every layer is on one stage, none negative, and (where `stages` > 0) there is one entry for each stage. A
// stage may be without layers: the embedding or the head alone.
Status check_layers_per_stage(std::span<const int> layers_per_stage, int layers, int stages);

// Whether the layout fits the model and fills the cluster; either may be absent (null). That layers_per_stage has one
// entry per stage is checked once the placement is known.
Status check_layout(const Layout& layout, const Model* model, const Cluster* cluster);

}  // namespace pipeloom
