#include "backend/model/part_memory.h"

#include <algorithm>

#include "backend/model/kept.h"

namespace pipeloom::backend {

namespace {

// What is kept after F and after I, in bytes.
struct Bytes {
  int64_t after_forward = 0;
  int64_t after_input = 0;

  Bytes operator+(const Bytes& other) const {
    return {after_forward + other.after_forward, after_input + other.after_input};
  }
};

class PartBytes {
 public:
  PartBytes(const Model& model, const PartShape& shape, int64_t tokens)
      : model_(model), formats_(shape.formats), selective_(shape.recompute == Recompute::kSelective), tokens_(tokens) {}

  Bytes attention() const {
    const AttentionShape& a = model_.attention;
    const int64_t inner = int64_t{a.heads} * a.head_dim + int64_t{a.kv_heads} * (a.head_dim + a.value_dim);
    return norm(model_.hidden) + again(cached(model_.hidden), of_attention(model_.hidden)) +
           until_input(rest(inner) + statistics()) + both(core()) +
           for_weight(of_attention(inner) + of_attention(model_.hidden));
  }

  Bytes mla() const {
    const AttentionShape& a = model_.attention;
    const int64_t query = int64_t{a.heads} * (a.head_dim + a.rope_dim);
    const int64_t value = int64_t{a.heads} * a.value_dim;
    const int64_t up = int64_t{a.heads} * (a.head_dim + a.value_dim);
    const bool query_again = selective_ && a.q_lora_rank > 0;
    return norm(model_.hidden) + norm(a.q_lora_rank) + norm(a.kv_lora_rank) +
           again(cached(model_.hidden) + cached(a.q_lora_rank) + cached(a.kv_lora_rank),
                 of_attention(model_.hidden) + of_attention(a.q_lora_rank) + of_attention(a.kv_lora_rank)) +
           both(core()) +
           until_input(rest(a.rope_dim) + statistics() + (query_again ? 0 : rest(query)) +
                       (selective_ ? 0 : rest(query) + rest(value))) +
           for_weight(of_attention(query) + of_attention(a.q_lora_rank) + of_attention(up) +
                      of_attention(a.kv_lora_rank + a.rope_dim) + of_attention(model_.hidden));
  }

  Bytes mlp() const {
    return norm(model_.hidden) + again(cached(model_.hidden), of_mlp(tokens_, 1, model_.hidden)) +
           feed_forward(tokens_, 1, model_.intermediate);
  }

  Bytes router() const {
    const int64_t scores = packed_bytes(Format::kFp32, tokens_, model_.moe->routed_experts);
    return norm(model_.hidden) + again(cached(model_.hidden), of_mlp(tokens_, 1, model_.hidden)) + until_input(scores) +
           for_weight(rest(model_.moe->routed_experts));
  }

  // `rows` that the routed experts get in at most so many `pieces`, of `once` tokens.
  Bytes experts(int64_t rows, int64_t pieces, int64_t once) const {
    const MoeShape& moe = *model_.moe;
    const int64_t kept = formats_.cached == Format::kFp8 ? once : rows;
    Bytes bytes =
        both(packed_bytes(formats_.cached, kept, model_.hidden)) + feed_forward(rows, pieces, moe.intermediate);
    if (moe.shared_experts == 0) return bytes;
    return bytes + feed_forward(tokens_, 1, int64_t{moe.shared_experts} * moe.intermediate);
  }

  Bytes head() const {
    return norm(model_.hidden) + both(rest(model_.hidden)) +
           until_input(packed_bytes(Format::kFp32, tokens_, model_.vocabulary)) + for_weight(rest(model_.vocabulary));
  }

  Bytes embed() const { return for_weight(rest(model_.hidden)); }

  Bytes mtp_input() const {
    return norm(model_.hidden) + norm(model_.hidden) +
           again(cached(int64_t{2} * model_.hidden), of_mlp(tokens_, 1, int64_t{2} * model_.hidden)) +
           for_weight(of_mlp(tokens_, 1, model_.hidden) + rest(model_.hidden));
  }

 private:
  int64_t rest(int64_t width) const { return packed_bytes(formats_.rest, tokens_, width); }
  int64_t cached(int64_t width) const { return packed_bytes(formats_.cached, tokens_, width); }
  // Of a factor of a W: of attention's weights, and of others', in `pieces` that are matrices of their own.
  int64_t of_attention(int64_t width) const {
    return packed_bytes(formats_.attention, tokens_, width, Scales::kOfColumns);
  }
  int64_t of_mlp(int64_t rows, int64_t pieces, int64_t width) const {
    const int64_t row_of_scales = packed_bytes(formats_.mlp, 1, width, Scales::kOfColumns) -
                                  packed_bytes(formats_.mlp, 0, width, Scales::kOfColumns) - width;
    const int64_t more_scales = formats_.mlp == Format::kFp8 ? std::min(pieces, rows) - 1 : 0;
    return packed_bytes(formats_.mlp, rows, width, Scales::kOfColumns) + more_scales * row_of_scales;
  }
  int64_t core() const {
    return packed_bytes(formats_.cached_core, tokens_, int64_t{model_.attention.heads} * model_.attention.value_dim);
  }
  int64_t statistics() const { return packed_bytes(Format::kFp32, tokens_, model_.attention.heads); }

  static Bytes both(int64_t bytes) { return {bytes, bytes}; }
  static Bytes until_input(int64_t bytes) { return {bytes, 0}; }
  static Bytes for_weight(int64_t bytes) { return {0, bytes}; }
  // Selective recomputation makes it in I, for W.
  Bytes again(int64_t bytes, int64_t for_weight) const {
    return {selective_ ? 0 : bytes, selective_ ? for_weight : bytes};
  }
  // Its input, and the gradient of its weights.
  Bytes norm(int64_t width) const { return {rest(width), packed_bytes(Format::kFp32, width > 0 ? 1 : 0, width)}; }

  Bytes feed_forward(int64_t rows, int64_t pieces, int64_t intermediate) const {
    const int64_t up = (model_.gated_mlp ? 2 : 1) * intermediate;
    return until_input(packed_bytes(formats_.cached, rows, up)) +
           again(packed_bytes(formats_.cached, rows, intermediate), of_mlp(rows, pieces, intermediate)) +
           for_weight(of_mlp(rows, pieces, up) + of_mlp(rows, pieces, model_.hidden));
  }

  const Model& model_;
  const Formats& formats_;
  bool selective_;
  int64_t tokens_;
};

// Rows that the routed experts of one rank may get, and rows that come back to their tokens.
struct RoutedRows {
  int64_t received = 0;
  int64_t own = 0;
};
RoutedRows routed_rows(const Model& model, int sources, int64_t tokens) {
  const int64_t own = tokens * model.moe->experts_per_token;
  return {own * sources, own};
}

Bytes kept_by(Component component, int layer, const Model& model, const PartShape& shape, int64_t tokens, int sources) {
  const PartBytes part(model, shape, tokens);
  switch (component) {
    case Component::kStage:
    case Component::kWait:
    case Component::kDispatch:
    case Component::kCombine:
      return {};
    case Component::kEmbed:
      return layer > model.layers ? part.mtp_input() : part.embed();
    case Component::kAttention:
      return model.attention.is_mla() ? part.mla() : part.attention();
    case Component::kMlp:
      return part.mlp();
    case Component::kRouter:
      return part.router();
    case Component::kExperts:
      return part.experts(routed_rows(model, sources, tokens).received, int64_t{sources} * model.moe->routed_experts,
                          tokens * sources);
    case Component::kHead:
      return part.head();
  }
  return {};
}

// What one call handles, unpacked: some times what its passes keep, were it all floats.
int64_t unpacked_bytes(Component component, int layer, const Model& model, const PartShape& shape, int64_t tokens,
                       int sources) {
  PartShape floats = shape;
  floats.formats = Keeping::exact();
  floats.recompute = Recompute::kNone;
  const Bytes bytes = kept_by(component, layer, model, floats, tokens, sources);
  return bytes.after_forward + bytes.after_input;
}

int64_t layer_input(const Model& model, const PartShape& shape, int64_t tokens) {
  return packed_bytes(shape.formats.rest, tokens, model.hidden);
}

// After F, by all components of a layer like that of `component`.
int64_t kept_by_layer(Component component, int layer, const Model& model, const PartShape& shape, int64_t tokens,
                      int sources) {
  const auto kept = [&](Component of) { return kept_by(of, layer, model, shape, tokens, sources).after_forward; };
  const bool may_have_experts = component != Component::kMlp && model.moe;
  const int64_t experts = may_have_experts ? kept(Component::kRouter) + kept(Component::kExperts) : 0;
  return kept(Component::kAttention) + std::max(kept(Component::kMlp), experts);
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
  for (const Table table : kTables) {
    if (const auto& parameter = part.table(table)) largest = std::max(largest, parameter->size());
  }
  return largest;
}

}  // namespace

PartMemory part_memory(Component component, int layer, const Model& model, const PartShape& shape, int64_t tokens,
                       const Part<float>& part, int sources) {
  constexpr int64_t kNumber = sizeof(float);
  const Bytes kept = kept_by(component, layer, model, shape, tokens, sources);
  PartMemory memory;
  // The residual stream; between router and combine also the normed rows and those of the experts, sorted and not.
  memory.passing = tokens * model.hidden * kNumber;
  if (is_moe(component)) {
    const RoutedRows rows = routed_rows(model, sources, tokens);
    memory.passing += (tokens + 2 * (rows.received + rows.own)) * model.hidden * kNumber;
  }
  memory.after_forward = kept.after_forward;
  memory.after_input = kept.after_input;
  const bool again = shape.recompute == Recompute::kFull && is_recomputed(component);
  if (again) memory.after_forward = component == Component::kAttention ? layer_input(model, shape, tokens) : 0;
  // Gradients on their way between the pieces are about as large as what F and I handle; a product turns an operand;
  // scores of one head and their gradient; the gradients of a W before they join the sum.
  memory.workspace =
      unpacked_bytes(component, layer, model, shape, tokens, sources) + memory.passing +
      (2 * largest_weight(part) + 3 * shape.sequence * shape.sequence + part.own().size() + part.routed().size()) *
          kNumber;
  // The first I of a layer holds all that F makes again.
  if (again) memory.workspace += kept_by_layer(component, layer, model, shape, tokens, sources);
  return memory;
}

}  // namespace pipeloom::backend
