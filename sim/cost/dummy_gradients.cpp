#include <algorithm>
#include <set>
#include <utility>

#include "sim/cost/saved_tensors.h"
#include "sim/cost/training_memory.h"

namespace pipeloom::sim {

namespace {

using Shapes = std::set<std::pair<int64_t, int64_t>>;  // rows, columns

void add_attention(const Job& job, Shapes& shapes) {
  const AttentionShape& a = job.model->attention;
  const int64_t hidden = job.model->hidden;
  const int64_t tensor = job.layout.tensor;
  const int64_t query = int64_t{a.heads} * (a.head_dim + a.rope_dim) / tensor;
  shapes.insert({hidden, int64_t{a.heads} * a.value_dim / tensor});
  if (!a.is_mla()) {
    shapes.insert({query + int64_t{a.kv_heads} * (a.head_dim + a.value_dim) / tensor, hidden});
    return;
  }
  shapes.insert({a.kv_lora_rank + a.rope_dim, hidden});
  shapes.insert({int64_t{a.heads} * (a.head_dim + a.value_dim) / tensor, a.kv_lora_rank});
  if (a.q_lora_rank > 0) shapes.insert({a.q_lora_rank, hidden});
  shapes.insert({query, a.q_lora_rank > 0 ? a.q_lora_rank : hidden});
}

void add_mlp(const Model& model, int64_t intermediate, Shapes& shapes) {
  shapes.insert({(model.gated_mlp ? 2 : 1) * intermediate, model.hidden});
  shapes.insert({model.hidden, intermediate});
}

// Experts are not split by tensor parallelism; the shared ones are one MLP.
void add_layer(const Job& job, int layer, Shapes& shapes) {
  const Model& model = *job.model;
  add_attention(job, shapes);
  if (!model.is_moe_layer(layer)) return add_mlp(model, model.intermediate / job.layout.tensor, shapes);
  add_mlp(model, model.moe->intermediate, shapes);
  if (model.moe->shared_experts == 0) return;
  add_mlp(model, int64_t{model.moe->shared_experts} * model.moe->intermediate / job.layout.tensor, shapes);
}

}  // namespace

int64_t dummy_gradients_bytes(const Job& job, const std::vector<StageSpan>& stages) {
  if (!job.software->dummy_gradients) return 0;
  Shapes shapes;
  for (const StageSpan& stage : stages) {
    const LayerKinds kinds = layer_kinds(*job.model, stage);
    for (const int layer : {kinds.dense_layer, kinds.experts_layer}) {
      if (layer >= 0) add_layer(job, layer, shapes);
    }
    if (stage.is_last) shapes.insert({padded_vocabulary(job) / job.layout.tensor, job.model->hidden});
    if (stage.is_last && job.model->mtp_depth > 0) {
      add_layer(job, job.model->layers - 1, shapes);
      shapes.insert({job.model->hidden, 2 * int64_t{job.model->hidden}});
    }
  }
  int64_t numbers = 0;
  for (const auto& [rows, columns] : shapes) numbers += rows * columns;
  return 2 * numbers;
}

}  // namespace pipeloom::sim
