#pragma once

#include <vector>

#include "core/costs/component.h"
#include "core/job/job.h"
#include "sim/cost/all_to_all.h"
#include "sim/cost/routing.h"

namespace pipeloom::sim {

// [m, k] x [k, n], `groups` of them in one launch.
struct Product {
  double m = 0;
  double n = 0;
  double k = 0;
  double groups = 1;
  bool fp8 = false;
  bool weight_gradient = false;

  double flops() const { return 2 * m * n * k * groups; }
  // The products of the backward pass: dx [m, k] = dy [m, n] x w [n, k]; dw [k, n] = x [k, m] x dy [m, n].
  Product for_input() const { return {m, k, n, groups, fp8, false}; }
  Product for_weight() const { return {k, n, m, groups, fp8, true}; }
};

// What one pass of one component does on one GPU, whatever the GPU is.
struct PassWork {
  std::vector<Product> products;
  double core_forward_flops = 0;  // softmax(q k') v
  double core_backward_flops = 0;
  double memory_bytes = 0;  // read and written by memory-bound kernels
  int kernels = 0;
  int all_reduces = 0;          // over the tensor-parallel group ...
  double all_reduce_bytes = 0;  // ... of this size each
  double context_bytes = 0;     // gathered or reduced over the context-parallel group
  AllToAll all_to_all;

  // Products and attention core.
  double flops() const;
  PassWork& operator+=(const PassWork& other);
};

struct ComponentWork {
  int layer = 0;  // as ComponentCost::layer
  Component component = Component::kStage;
  Lane lane = Lane::kCompute;
  PassWork forward;
  PassWork input;
  PassWork weight;
};

// What of a job decides the work of a micro-batch.
struct WorkShape {
  double tokens = 0;    // of one micro-batch on one context-parallel GPU
  double sequence = 0;  // that attention looks over
  int tensor = 1;
  int context = 1;
  bool sequence_parallel = true;
  Formats formats;
  bool unfused_attention = false;
  Recompute recompute = Recompute::kNone;
  Routing routing;

  bool fp8_attention() const { return formats.attention == Format::kFp8; }
  bool fp8_mlp() const { return formats.mlp == Format::kFp8; }
  // Of norms and residuals: sequence parallelism splits the tokens there too (Korthikanti et al., MLSys 2023, section
  // 4.2.2). Of routers: each GPU of a tensor-parallel group always routes its share only.
  double split_tokens() const { return sequence_parallel ? tokens / tensor : tokens; }
  double routed_tokens() const { return tokens / tensor; }
  double sequences() const { return tokens * context / sequence; }
};
// REQUIRES: the job has a model.
WorkShape make_work_shape(const Job& job);

// The pieces of a layer, [component] in the order of the forward pass. `layer` only labels; `kind` is the layer of the
// model whose shape it has.
std::vector<ComponentWork> layer_work(const Model& model, const WorkShape& shape, int kind, int layer);
ComponentWork embed_work(const Model& model, const WorkShape& shape);
ComponentWork head_work(const Model& model, const WorkShape& shape, int layer);
// Norms and projection before an MTP module's layer.
ComponentWork mtp_embed_work(const Model& model, const WorkShape& shape, int layer);

ComponentWork attention_work(const Model& model, const WorkShape& shape);
ComponentWork mlp_work(const Model& model, const WorkShape& shape);
ComponentWork router_work(const Model& model, const WorkShape& shape);
ComponentWork experts_work(const Model& model, const WorkShape& shape);
ComponentWork dispatch_work(const Model& model, const WorkShape& shape);
ComponentWork combine_work(const Model& model, const WorkShape& shape);

// What a bias and dropout behind a block of `hidden_size` numbers read and write: the mask, one byte a number; backward
// the gradient, its masked copy and the bias's sum.
void add_block_end(const Model& model, double hidden_size, ComponentWork& work);

// A component whose I and W run the products of its F backward.
ComponentWork compute_component(Component component, std::vector<Product> products);

}  // namespace pipeloom::sim
