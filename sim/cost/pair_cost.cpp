#include "sim/cost/pair_cost.h"

#include <algorithm>

namespace pipeloom {

namespace {

int64_t& part_of(LayerBlock::Pass& pass, Component component) {
  switch (component) {
    case Component::kDispatch:
      return pass.dispatch_ns;
    case Component::kExperts:
    case Component::kMlp:
      return pass.between_ns;
    case Component::kCombine:
      return pass.combine_ns;
    default:
      return pass.before_ns;
  }
}

// An in-order queue: work starts when the lane is free and its input is there.
struct InOrderLane {
  int64_t free_ns = 0;
  int64_t busy_ns = 0;

  int64_t run(int64_t ready_ns, int64_t duration_ns) {
    if (duration_ns == 0) return ready_ns;
    free_ns = std::max(free_ns, ready_ns) + duration_ns;
    busy_ns += duration_ns;
    return free_ns;
  }
};

}  // namespace

std::vector<LayerBlock> layer_blocks(const StageProgram& program) {
  std::vector<LayerBlock> blocks;
  for (size_t i = 0; i < program.size(); ++i) {
    const ComponentCost& part = program[i];
    if (i == 0 || program[i - 1].layer != part.layer) blocks.emplace_back();
    LayerBlock& block = blocks.back();
    part_of(block.forward, part.component) += part.forward_ns;
    part_of(block.input, part.component) += part.input_ns;
    const bool between = part.component == Component::kExperts || part.component == Component::kMlp;
    (between ? block.between_weight_ns : block.before_weight_ns) += part.weight_ns;
  }
  return blocks;
}

OverlapTime overlap(const std::vector<LayerBlock>& forward, const std::vector<LayerBlock>& backward) {
  InOrderLane compute;
  InOrderLane communication;
  int64_t forward_ns = 0;   // when F's next layer has its input
  int64_t backward_ns = 0;  // when B's next layer has its input
  const size_t steps = std::max(forward.size(), backward.size());
  for (size_t step = 0; step < steps; ++step) {
    const LayerBlock f = step < forward.size() ? forward[step] : LayerBlock{};
    const LayerBlock b = step < backward.size() ? backward[backward.size() - 1 - step] : LayerBlock{};
    const int64_t combined_back_ns = communication.run(backward_ns, b.input.combine_ns);
    const int64_t routed_ns = compute.run(forward_ns, f.forward.before_ns);
    const int64_t dispatched_ns = communication.run(routed_ns, f.forward.dispatch_ns);
    const int64_t between_back_ns = compute.run(combined_back_ns, b.input.between_ns);
    compute.run(between_back_ns, b.between_weight_ns);
    const int64_t between_ns = compute.run(dispatched_ns, f.forward.between_ns);
    const int64_t dispatched_back_ns = communication.run(between_back_ns, b.input.dispatch_ns);
    forward_ns = communication.run(between_ns, f.forward.combine_ns);
    backward_ns = compute.run(dispatched_back_ns, b.input.before_ns);
    compute.run(backward_ns, b.before_weight_ns);
  }
  return {std::max(compute.free_ns, communication.free_ns), compute.busy_ns, communication.busy_ns};
}

}  // namespace pipeloom
