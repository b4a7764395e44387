#pragma once

#include <cstdint>
#include <vector>

#include "core/component.h"

namespace pipeloom {

// The compute and all-to-all of one layer as Figure 4 of the DeepSeek-V3 report (arXiv 2412.19437) cuts them: what
// comes before dispatch, dispatch, what comes between, combine. All zero where a layer lacks the part.
struct LayerBlock {
  struct Pass {
    int64_t before_ns = 0;
    int64_t dispatch_ns = 0;
    int64_t between_ns = 0;
    int64_t combine_ns = 0;
  };
  Pass forward;
  Pass input;
  int64_t before_weight_ns = 0;
  int64_t between_weight_ns = 0;
};
std::vector<LayerBlock> layer_blocks(const StageProgram& program);

struct OverlapTime {
  int64_t duration_ns = 0;
  int64_t compute_ns = 0;
  int64_t communication_ns = 0;

  // Of the communication, what runs while compute does. At every moment of a pair one of the lanes is busy.
  int64_t hidden_ns() const { return compute_ns + communication_ns - duration_ns; }
};

// F of one micro-batch beside B of another on a compute and a communication lane, in the order of Figure 4: layer i of
// F's stage meets layer n-1-i of B's. Compute: before(F), between(I), between(W), between(F), before(I), before(W);
// communication: combine(B), dispatch(F), dispatch(B), combine(F). O(layers).
OverlapTime overlap(const std::vector<LayerBlock>& forward, const std::vector<LayerBlock>& backward);

}  // namespace pipeloom
