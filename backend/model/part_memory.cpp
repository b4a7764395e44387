#include "backend/model/part_memory.h"

#include <algorithm>

namespace pipeloom {

namespace {

// What F saves, and what I adds to it.
struct Kept {
  int64_t forward = 0;
  int64_t input = 0;

  Kept operator+(const Kept& other) const { return {forward + other.forward, input + other.input}; }
  // So much is computed again in I.
  Kept without(int64_t recomputed) const { return {forward - recomputed, input + recomputed}; }
};

// RmsNorm::Saved; what the norm gives is in its user's.
Kept norm(int64_t rows, int64_t width) {
  return {rows * (width + 1), rows * width};
}

Kept feed_forward(int64_t rows, int64_t hidden, int64_t intermediate, bool gated) {
  const int64_t both = rows * (hidden + (gated ? 2 : 1) * intermediate);
  return {both, both};
}

Kept attention(const Model& model, int64_t tokens, bool selective) {
  const AttentionShape& a = model.attention;
  const int64_t hidden = tokens * model.hidden;
  const int64_t query_key_value =
      tokens * (int64_t{a.heads} * a.head_dim + int64_t{a.kv_heads} * (a.head_dim + a.value_dim));
  const int64_t core = tokens * a.heads * a.value_dim;
  const Kept kept = norm(tokens, model.hidden) + Kept{hidden + query_key_value + core, query_key_value + hidden};
  return kept.without(selective ? hidden : 0);
}

Kept mla(const Model& model, int64_t tokens, bool selective) {
  const AttentionShape& a = model.attention;
  const int64_t hidden = tokens * model.hidden;
  const int64_t query = tokens * a.heads * (a.head_dim + a.rope_dim);
  const int64_t core = tokens * a.heads * a.value_dim;
  const int64_t up = tokens * a.heads * (a.head_dim + a.value_dim);
  const int64_t query_rank = tokens * a.q_lora_rank;
  const int64_t rank = tokens * a.kv_lora_rank;
  const int64_t shared_key = tokens * a.rope_dim;
  const Kept own = {hidden + query_rank + rank + shared_key + 2 * query + 2 * core,
                    query + query_rank + up + rank + shared_key + hidden};
  const Kept kept = norm(tokens, model.hidden) + norm(tokens, a.q_lora_rank) + norm(tokens, a.kv_lora_rank) + own;
  const int64_t again = hidden + rank + query + core + (a.q_lora_rank > 0 ? query_rank + query : 0);
  return kept.without(selective ? again : 0);
}

// Rows that the routed experts of one rank may get, and rows that come back to their tokens.
struct RoutedRows {
  int64_t received = 0;
  int64_t own = 0;
};
RoutedRows routed_rows(const Model& model, int sources, int64_t tokens) {
  const int64_t own = tokens * model.moe->experts_per_token;
  return {own * sources, own};
}

Kept kept_by(Component component, const Model& model, const PartShape& shape, int64_t tokens, bool with_exchange,
             int sources) {
  const int64_t hidden = tokens * model.hidden;
  const bool selective = shape.recompute == Recompute::kSelective;
  const int64_t normed_again = selective ? hidden : 0;
  switch (component) {
    case Component::kStage:
    case Component::kWait:
    case Component::kDispatch:
      return {};
    case Component::kEmbed:
      return {0, hidden};
    case Component::kAttention:
      return model.attention.is_mla() ? mla(model, tokens, selective) : attention(model, tokens, selective);
    case Component::kMlp:
      return norm(tokens, model.hidden) +
             feed_forward(tokens, model.hidden, model.intermediate, model.gated_mlp).without(normed_again);
    case Component::kRouter:
      return norm(tokens, model.hidden) + Kept{hidden, tokens * model.moe->routed_experts}.without(normed_again);
    case Component::kCombine:
      return {routed_rows(model, sources, tokens).own * model.hidden, 0};
    case Component::kExperts: {
      const MoeShape& moe = *model.moe;
      const RoutedRows rows = routed_rows(model, sources, tokens);
      const Kept routed = feed_forward(rows.received, model.hidden, moe.intermediate, model.gated_mlp);
      const Kept shared =
          moe.shared_experts == 0
              ? Kept{}
              : feed_forward(tokens, model.hidden, int64_t{moe.shared_experts} * moe.intermediate, model.gated_mlp);
      return routed + shared + Kept{with_exchange ? rows.own * model.hidden : 0, 0};
    }
    case Component::kHead:
      return norm(tokens, model.hidden) + Kept{hidden + tokens * model.vocabulary, 0};
  }
  return {};
}

bool is_moe(Component component) {
  return component == Component::kRouter || component == Component::kDispatch || component == Component::kExperts ||
         component == Component::kCombine;
}

int64_t largest_weight(const Part<float>& part) {
  int64_t largest = 0;
  for (const ParameterBlock* block : {&part.own(), &part.routed()}) {
    for (const Parameter& parameter : block->parameters()) largest = std::max(largest, parameter.size());
  }
  return largest;
}

}  // namespace

PartMemory part_memory(Component component, const Model& model, const PartShape& shape, int64_t tokens,
                       bool with_exchange, const Part<float>& part, int sources) {
  const Kept kept = kept_by(component, model, shape, tokens, with_exchange, sources);
  PartMemory memory;
  // The residual stream; between router and combine also the normed rows and those of the experts, sorted and not.
  memory.passing = tokens * model.hidden;
  if (is_moe(component)) {
    const RoutedRows rows = routed_rows(model, sources, tokens);
    memory.passing += (tokens + 2 * (rows.received + rows.own)) * model.hidden;
  }
  memory.after_forward = kept.forward;
  memory.after_input = kept.forward + kept.input;
  const bool moves_data = component == Component::kDispatch || component == Component::kCombine;
  if (shape.recompute == Recompute::kFull && !moves_data) memory.after_forward = memory.passing;
  // Gradients on their way between the pieces are about as large as what F and I keep; a product turns an operand;
  // scores of one head and their gradient; the gradients of a W before they join the sum.
  memory.workspace = kept.forward + kept.input + memory.passing + 2 * largest_weight(part) +
                     3 * shape.sequence * shape.sequence + part.own().size() + part.routed().size();
  return memory;
}

}  // namespace pipeloom
