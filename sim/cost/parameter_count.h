#pragma once

#include <cstdint>

#include "core/job/model.h"

namespace pipeloom::sim {

// Weights of one layer by how they are spread: `dense` on every expert-parallel rank (attention, norms, router, shared
// experts or the dense MLP), `routed` over the expert-parallel group.
struct LayerParameters {
  int64_t dense = 0;
  int64_t routed = 0;

  int64_t total() const { return dense + routed; }
  bool operator==(const LayerParameters&) const = default;
};

int64_t attention_parameters(const Model& model);
// Of one MLP with this many intermediate channels.
int64_t mlp_parameters(const Model& model, int64_t intermediate);
LayerParameters layer_parameters(const Model& model, int layer);
// Token embedding and learned positions.
int64_t embedding_parameters(const Model& model);
// Final norm and output head; a tied head counts too: the last stage holds its own copy.
int64_t head_parameters(const Model& model);
// Of one multi-token prediction module without the embedding and the head that it shares.
LayerParameters mtp_parameters(const Model& model);
// The layer of the main model that an MTP module's layer is like: the last.
inline int mtp_layer(const Model& model) {
  return model.layers - 1;
}

// What the maker prints: the main model, a tied head once, without MTP modules.
int64_t total_parameters(const Model& model);
// Those that a token meets in products: top-k experts only, the head but not the embedding look-up.
int64_t active_parameters(const Model& model);

}  // namespace pipeloom::sim
