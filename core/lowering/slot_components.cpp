#include "core/lowering/slot_components.h"

#include <algorithm>

namespace pipeloom {

namespace {

using Components = std::vector<SlotComponent>;

void append_forward(Components& out, const ComponentCost& cost) {
  out.push_back({cost, SlotKind::kF, cost.forward_ns});
}

void append_input(Components& out, const ComponentCost& cost) {
  out.push_back({cost, SlotKind::kI, cost.input_ns});
}

void append_weight(Components& out, const ComponentCost& cost) {
  if (cost.weight_ns > 0) out.push_back({cost, SlotKind::kW, cost.weight_ns});
}

void append_backward(Components& out, const ComponentCost& cost) {
  append_input(out, cost);
  append_weight(out, cost);
}

// The program cut where the layer changes.
std::vector<std::span<const ComponentCost>> layers_of(const StageProgram& program) {
  std::vector<std::span<const ComponentCost>> layers;
  for (size_t begin = 0; begin < program.size();) {
    size_t end = begin + 1;
    while (end < program.size() && program[end].layer == program[begin].layer) ++end;
    layers.push_back(std::span(program).subspan(begin, end - begin));
    begin = end;
  }
  return layers;
}

size_t position_after(std::span<const ComponentCost> layer, Component component, size_t otherwise) {
  const auto found =
      std::find_if(layer.begin(), layer.end(), [&](const ComponentCost& cost) { return cost.component == component; });
  return found == layer.end() ? otherwise : static_cast<size_t>(found - layer.begin()) + 1;
}

void append_pair_of_layers(Components& out, std::span<const ComponentCost> forward,
                           std::span<const ComponentCost> backward) {
  const size_t dispatched = position_after(forward, Component::kDispatch, forward.size());
  const size_t combine_begin = position_after(backward, Component::kCombine, backward.size() + 1) - 1;
  const size_t dispatch_begin = std::max<size_t>(position_after(backward, Component::kDispatch, 1), 1) - 1;
  const auto backward_range = [&](size_t begin, size_t end) {
    for (size_t i = end; i-- > begin;) append_backward(out, backward[i]);
  };
  backward_range(std::min(combine_begin, backward.size()), backward.size());
  for (size_t i = 0; i < dispatched; ++i) append_forward(out, forward[i]);
  backward_range(dispatch_begin, std::min(combine_begin, backward.size()));
  for (size_t i = dispatched; i < forward.size(); ++i) append_forward(out, forward[i]);
  backward_range(0, dispatch_begin);
}

Components pair_components(const StageProgram& forward_program, const StageProgram& backward_program) {
  const auto forward = layers_of(forward_program);
  auto backward = layers_of(backward_program);
  std::reverse(backward.begin(), backward.end());
  Components out;
  for (size_t i = 0; i < std::max(forward.size(), backward.size()); ++i) {
    append_pair_of_layers(out, i < forward.size() ? forward[i] : std::span<const ComponentCost>{},
                          i < backward.size() ? backward[i] : std::span<const ComponentCost>{});
  }
  return out;
}

}  // namespace

std::vector<SlotComponent> slot_components(const Slot& slot, std::span<const StageProgram> programs) {
  if (slot.kind == SlotKind::kFB) return pair_components(programs[slot.stage], programs[slot.backward_stage]);
  const StageProgram& program = programs[slot.stage];
  Components out;
  if (slot.kind == SlotKind::kF) {
    for (const ComponentCost& cost : program) append_forward(out, cost);
    return out;
  }
  for (size_t i = program.size(); i-- > 0;) {
    if (slot.has_input_backward()) append_input(out, program[i]);
    if (slot.has_weight_backward()) append_weight(out, program[i]);
  }
  return out;
}

}  // namespace pipeloom
