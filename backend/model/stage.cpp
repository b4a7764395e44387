#include "backend/model/stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/digest.h"

namespace pipeloom::backend {

namespace {

bool has_exchange(const StageProgram& program, int layer) {
  return std::ranges::any_of(program, [&](const ComponentCost& cost) {
    return cost.layer == layer && cost.component == Component::kDispatch;
  });
}

std::string part_name(int layer, int layers, Component component) {
  if (layer < 0 || layer == layers) return component_name(component);
  return fmt::format("layer{}.{}", layer, component_name(component));
}

// Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014: any place of the sequence at
// once.
uint64_t random_bits(uint64_t seed, uint64_t place) {
  uint64_t bits = seed + (place + 1) * 0x9e3779b97f4a7c15ull;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ull;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebull;
  return bits ^ (bits >> 31);
}

// In (0, 1].
double uniform(uint64_t seed, uint64_t place) {
  return (static_cast<double>(random_bits(seed, place) >> 11) + 1) * 0x1p-53;
}

}  // namespace

template <typename Real>
Stage<Real>::Stage(const Model& model, const StageProgram& program, const PartShape& shape,
                   const Arithmetic<Real>& arithmetic, Tokens tokens)
    : layers_(model.layers) {
  for (const ComponentCost& cost : program) {
    Placed& placed = parts_.emplace_back();
    placed.layer = cost.layer;
    placed.component = cost.component;
    placed.weight_pass = cost.weight_ns > 0;
    placed.part = make_part(cost.component, cost.layer, model, shape, !has_exchange(program, cost.layer), arithmetic);
  }
  place_tables(tokens);
  for (Placed& placed : parts_) {
    placed.own = own_size_;
    own_size_ += placed.part->own().size();
  }
  size_ = own_size_;
  for (Placed& placed : parts_) {
    placed.routed = size_;
    size_ += placed.part->routed().size();
    add_parameters(placed);
  }
}

template <typename Real>
void Stage<Real>::place_tables(Tokens tokens) {
  for (const Table table : kTables) {
    if (table == Table::kTokens && tokens == Tokens::kBorrowed) continue;
    for (Placed& placed : parts_) {
      const std::optional<Parameter>& parameter = placed.part->table(table);
      if (!parameter) continue;
      std::optional<int64_t>& place = tables_[number_of(table)];
      if (!place) {
        const Component owner = table == Table::kTokens ? Component::kEmbed : Component::kHead;
        place = own_size_;
        parameters_.push_back({fmt::format("{}.{}", component_name(owner), parameter->name), *place, *parameter});
        own_size_ += parameter->size();
      }
      placed.tables[number_of(table)] = *place;
    }
  }
}

template <typename Real>
void Stage<Real>::add_parameters(const Placed& placed) {
  const auto add = [&](const ParameterBlock& block, int64_t offset) {
    for (const Parameter& parameter : block.parameters()) {
      parameters_.push_back(
          {part_name(placed.layer, layers_, placed.component) + "." + parameter.name, offset, parameter});
      offset += parameter.size();
    }
  };
  add(placed.part->own(), placed.own);
  add(placed.part->routed(), placed.routed);
}

template <typename Real>
int Stage<Real>::find(int layer, Component component) const {
  const auto found = std::ranges::find_if(
      parts_, [&](const Placed& placed) { return placed.layer == layer && placed.component == component; });
  PIPELOOM_THROW_UNLESS(found != parts_.end());
  return static_cast<int>(found - parts_.begin());
}

template <typename Real>
bool Stage<Real>::has(Component component) const {
  return std::ranges::any_of(parts_, [&](const Placed& placed) { return placed.component == component; });
}

// Normally distributed by Box and Muller's transform.
void fill_initial(const StageParameter& parameter, uint64_t seed, float* numbers) {
  Digest digest;
  digest.add(seed);
  digest.add_bytes(parameter.name);
  const double deviation = parameter.parameter.deviation;
  const float fixed = parameter.parameter.kind == ParameterKind::kLoadBias ? 0.0F : 1.0F;
  for (int64_t i = 0; i < parameter.parameter.size(); ++i) {
    const double radius = std::sqrt(-2 * std::log(uniform(digest.value(), 2 * i)));
    const double angle = 2 * std::numbers::pi * uniform(digest.value(), 2 * i + 1);
    numbers[i] = deviation == 0 ? fixed : static_cast<float>(deviation * radius * std::cos(angle));
  }
}

StageProgram whole_program(const Model& model) {
  StageProgram program;
  const auto add = [&](int layer, Component component) {
    program.push_back({layer, component, Lane::kCompute, 1, 1, 1});
  };
  add(-1, Component::kEmbed);
  // `kind`: the layer of the model that it is like.
  const auto add_layer = [&](int layer, int kind) {
    add(layer, Component::kAttention);
    if (model.is_moe_layer(kind)) {
      add(layer, Component::kRouter);
      add(layer, Component::kExperts);
    } else {
      add(layer, Component::kMlp);
    }
  };
  for (int layer = 0; layer < model.layers; ++layer) add_layer(layer, layer);
  add(model.layers, Component::kHead);
  for (int layer = model.layers + 1; layer <= model.layers + model.mtp_depth; ++layer) {
    add(layer, Component::kEmbed);
    add_layer(layer, model.layers - 1);
    add(layer, Component::kHead);
  }
  return program;
}

template class Stage<float>;
template class Stage<double>;

}  // namespace pipeloom::backend
