#include "core/costs/slot_program.h"

#include <algorithm>

#include "core/costs/pass_duration.h"

namespace pipeloom {

namespace {

void append(SlotProgram& program, const StageProgram& stage, size_t component, SlotKind pass) {
  const int64_t duration_ns = pass_duration_ns(stage[component], pass);
  if (pass == SlotKind::kW && duration_ns == 0) return;
  program.push_back({pass, static_cast<uint16_t>(component), duration_ns});
}

// Indices of one layer's components.
struct LayerRange {
  size_t begin = 0;
  size_t end = 0;
};

std::vector<LayerRange> layers_of(const StageProgram& stage) {
  std::vector<LayerRange> layers;
  for (size_t begin = 0; begin < stage.size();) {
    size_t end = begin + 1;
    while (end < stage.size() && stage[end].layer == stage[begin].layer) ++end;
    layers.push_back({begin, end});
    begin = end;
  }
  return layers;
}

// Returns the index of the layer's component of this kind, or `otherwise` if it has none.
size_t find_in(const StageProgram& stage, LayerRange layer, Component component, size_t otherwise) {
  for (size_t i = layer.begin; i < layer.end; ++i) {
    if (stage[i].component == component) return i;
  }
  return otherwise;
}

class Figure4 {
 public:
  Figure4(const StageProgram& forward, const StageProgram& backward) : forward_(forward), backward_(backward) {}

  SlotProgram run() {
    const std::vector<LayerRange> forward = layers_of(forward_);
    std::vector<LayerRange> backward = layers_of(backward_);
    std::reverse(backward.begin(), backward.end());
    for (size_t i = 0; i < std::max(forward.size(), backward.size()); ++i) {
      append_layers(i < forward.size() ? forward[i] : LayerRange{}, i < backward.size() ? backward[i] : LayerRange{});
    }
    return std::move(program_);
  }

 private:
  void append_layers(LayerRange f, LayerRange b) {
    const size_t dispatch = find_in(forward_, f, Component::kDispatch, f.end);
    const size_t dispatched = std::min(dispatch + 1, f.end);
    const size_t combine_back = find_in(backward_, b, Component::kCombine, b.end);
    const size_t dispatch_back = find_in(backward_, b, Component::kDispatch, b.begin);
    append_backward(combine_back, b.end);
    append_forward(f.begin, dispatched);
    append_backward(dispatch_back, combine_back);
    append_forward(dispatched, f.end);
    append_backward(b.begin, dispatch_back);
  }

  void append_forward(size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) append(program_, forward_, i, SlotKind::kF);
  }
  void append_backward(size_t begin, size_t end) {
    for (size_t i = end; i-- > begin;) {
      append(program_, backward_, i, SlotKind::kI);
      append(program_, backward_, i, SlotKind::kW);
    }
  }

  const StageProgram& forward_;
  const StageProgram& backward_;
  SlotProgram program_;
};

}  // namespace

std::vector<int32_t> predecessors(const SlotProgram& program) {
  std::vector<int32_t> before;
  before.reserve(program.size());
  int32_t forward_end = -1;
  int32_t input_end = -1;
  std::vector<int32_t> input_of;  // [component]
  for (const SlotStep& step : program) {
    const auto number = static_cast<int32_t>(before.size());
    if (input_of.size() <= step.component) input_of.resize(step.component + size_t{1}, -1);
    if (step.pass == SlotKind::kW) {
      before.push_back(input_of[step.component]);
      continue;
    }
    int32_t& chain_end = step.pass == SlotKind::kF ? forward_end : input_end;
    before.push_back(chain_end);
    chain_end = number;
    if (step.pass == SlotKind::kI) input_of[step.component] = number;
  }
  return before;
}

SlotProgram forward_program(const StageProgram& stage) {
  SlotProgram program;
  for (size_t i = 0; i < stage.size(); ++i) append(program, stage, i, SlotKind::kF);
  return program;
}

SlotProgram input_program(const StageProgram& stage) {
  SlotProgram program;
  for (size_t i = stage.size(); i-- > 0;) append(program, stage, i, SlotKind::kI);
  return program;
}

SlotProgram weight_program(const StageProgram& stage) {
  SlotProgram program;
  for (size_t i = stage.size(); i-- > 0;) append(program, stage, i, SlotKind::kW);
  return program;
}

SlotProgram backward_program(const StageProgram& stage) {
  SlotProgram program;
  for (size_t i = stage.size(); i-- > 0;) {
    append(program, stage, i, SlotKind::kI);
    append(program, stage, i, SlotKind::kW);
  }
  return program;
}

SlotProgram figure4_program(const StageProgram& forward, const StageProgram& backward) {
  return Figure4(forward, backward).run();
}

SlotProgram forward_and_input_program(const StageProgram& forward, const StageProgram& backward) {
  SlotProgram program = forward_program(forward);
  for (const SlotStep& step : input_program(backward)) program.push_back(step);
  return program;
}

}  // namespace pipeloom
