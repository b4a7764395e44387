#pragma once

#include <string_view>

#include "core/base/result.h"
#include "core/job/model.h"

namespace pipeloom::proto {

// Which layers Megatron-LM's --moe-layer-freq gives experts: "2" (every second, from the first on) or a list of 0 and 1
// in Python's words: "([0]*3+[1]*58)". Sets first_dense_layers and layer_step; fails where the pattern is not of their
// kind, or has another number of layers.
Status set_moe_layers(std::string_view pattern, int layers, MoeShape* moe);

}  // namespace pipeloom::proto
