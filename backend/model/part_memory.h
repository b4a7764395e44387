#pragma once

#include <cstdint>

#include "backend/model/part.h"

namespace pipeloom::backend {

// The most that one micro-batch makes a part hold, in bytes.
struct PartMemory {
  int64_t after_forward = 0;
  int64_t after_input = 0;  // after I: what W needs
  int64_t passing = 0;      // in the flow, while a pass is on its way through the stage
  int64_t workspace = 0;    // within one call
};

// `layer` as ComponentCost::layer; `tokens` of a micro-batch. `part`: what make_part makes of the component. What
// routed experts hold depends on the gate: for `sources` times what one rank's tokens send out, which is at most
// shape.ep_ranks times.
PartMemory part_memory(Component component, int layer, const Model& model, const PartShape& shape, int64_t tokens,
                       const Part<float>& part, int sources);

}  // namespace pipeloom::backend
