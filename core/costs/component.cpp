#include "core/costs/component.h"

#include <array>
#include <cstddef>

#include "core/base/check.h"

namespace pipeloom {

const char* component_name(Component component) {
  constexpr std::array kNames = {"stage",   "embed", "attention", "router", "dispatch",
                                 "experts", "mlp",   "combine",   "head",   "wait"};
  const auto index = static_cast<size_t>(component);
  PIPELOOM_THROW_UNLESS(index < kNames.size());
  return kNames[index];
}

std::optional<Component> find_component(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Component::kWait); ++i) {
    if (name == component_name(static_cast<Component>(i))) return static_cast<Component>(i);
  }
  return std::nullopt;
}

const char* lane_name(Lane lane) {
  constexpr std::array kNames = {"compute", "ep", "p2p", "dp", "host"};
  const auto index = static_cast<size_t>(lane);
  PIPELOOM_THROW_UNLESS(index < kNames.size());
  return kNames[index];
}

}  // namespace pipeloom
