#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace pipeloom {

// A part of a pass. Stored in plans and traces: values never change.
enum class Component : uint8_t {
  kStage = 0,  // a whole stage, if the job gives plain times
  kEmbed = 1,
  kAttention = 2,
  kRouter = 3,
  kDispatch = 4,
  kExperts = 5,
  kMlp = 6,
  kCombine = 7,
  kHead = 8,  // head and loss
  kWait = 9,  // for the host, or a layer's weights or activations to arrive: the part that compute does not hide
};
const char* component_name(Component component);  // "attention", "dispatch", ...
std::optional<Component> find_component(std::string_view name);

// An in-order queue of a rank. Stored in plans and traces: values never change.
enum class Lane : uint8_t { kCompute = 0, kEp = 1, kP2p = 2, kDp = 3, kHost = 4 };
const char* lane_name(Lane lane);  // "compute", "ep", ...

// What one component of one layer takes alone, and on which lane.
struct ComponentCost {
  int layer = 0;  // layer of the model; -1: embedding; number of layers: head; above: MTP modules
  Component component = Component::kStage;
  Lane lane = Lane::kCompute;
  int64_t forward_ns = 0;
  int64_t input_ns = 0;   // I
  int64_t weight_ns = 0;  // W; 0 if the component has no weights

  bool operator==(const ComponentCost&) const = default;
};

// The components of one stage in the order of the forward pass; I runs them in reverse.
using StageProgram = std::vector<ComponentCost>;

}  // namespace pipeloom
