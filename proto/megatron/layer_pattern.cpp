#include "proto/megatron/layer_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace pipeloom::proto {

namespace {

using Layers = std::vector<bool>;

// sum = product {+ product}; product = atom {* number}; atom = [ 0|1 {, 0|1} ] | ( sum )
class Pattern {
 public:
  explicit Pattern(std::string_view text) : text_(text) {}

  std::optional<Layers> layers() {
    auto all = sum(0);
    return next() == '\0' ? all : std::nullopt;
  }

 private:
  static constexpr size_t kMostLayers = 10'000;
  static constexpr int kMostDepth = 20;

  char next() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool take(char wanted) {
    if (next() != wanted) return false;
    ++at_;
    return true;
  }

  std::optional<size_t> number() {
    next();
    size_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) return std::nullopt;
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }

  std::optional<Layers> sum(int depth) {
    auto all = product(depth);
    while (all && take('+')) {
      const auto more = product(depth);
      if (!more || all->size() + more->size() > kMostLayers) return std::nullopt;
      all->insert(all->end(), more->begin(), more->end());
    }
    return all;
  }

  std::optional<Layers> product(int depth) {
    auto once = atom(depth);
    while (once && take('*')) {
      const auto count = number();
      if (!count || *count * once->size() > kMostLayers || *count > kMostLayers) return std::nullopt;
      const Layers part = std::move(*once);
      once->clear();
      for (size_t i = 0; i < *count; ++i) once->insert(once->end(), part.begin(), part.end());
    }
    return once;
  }

  std::optional<Layers> atom(int depth) {
    if (depth > kMostDepth) return std::nullopt;
    if (take('(')) {
      auto inside = sum(depth + 1);
      return take(')') ? inside : std::nullopt;
    }
    if (!take('[')) return std::nullopt;
    Layers list;
    do {
      const auto value = number();
      if (!value || *value > 1) return std::nullopt;
      list.push_back(*value == 1);
    } while (take(','));
    return take(']') ? std::optional(list) : std::nullopt;
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::optional<Layers> layers_of(std::string_view pattern, int layers) {
  int step = 0;
  const auto [end, error] = std::from_chars(pattern.data(), pattern.data() + pattern.size(), step);
  if (error != std::errc() || end != pattern.data() + pattern.size()) return Pattern(pattern).layers();
  if (step < 1) return std::nullopt;
  Layers all(static_cast<size_t>(layers));
  for (size_t i = 0; i < all.size(); i += static_cast<size_t>(step)) all[i] = true;
  return all;
}

}  // namespace

Status set_moe_layers(std::string_view pattern, int layers, MoeShape* moe) {
  const auto all = layers_of(pattern, layers);
  if (!all) return invalid("allowed are a number and lists as in ([0]*3+[1]*58)");
  if (all->size() != static_cast<size_t>(layers)) {
    return invalid(fmt::format("it has {} layers; --num-layers is {}", all->size(), layers));
  }
  const auto first = std::ranges::find(*all, true);
  if (first == all->end()) return invalid("no layer has experts");
  const auto second = std::find(first + 1, all->end(), true);
  moe->first_dense_layers = static_cast<int>(first - all->begin());
  // A single layer with experts: the next would be beyond the last.
  moe->layer_step = static_cast<int>(second - first);
  for (int layer = moe->first_dense_layers; layer < layers; ++layer) {
    const bool has_experts = (layer - moe->first_dense_layers) % moe->layer_step == 0;
    if (has_experts != (*all)[static_cast<size_t>(layer)]) {
      return unsupported("Pipeloom knows dense layers first, then experts in every layer or in every n-th");
    }
  }
  return {};
}

}  // namespace pipeloom::proto
