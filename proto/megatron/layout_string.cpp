#include "proto/megatron/layout_string.h"

#include <fmt/format.h>

namespace pipeloom {

std::string megatron_layout(std::span<const int> layers_per_stage, int mtp_depth) {
  std::string text = "E";
  for (size_t stage = 0; stage < layers_per_stage.size(); ++stage) {
    if (stage > 0) text += '|';
    const int layers = layers_per_stage[stage];
    if (layers == 1) text += 't';
    if (layers > 1) text += fmt::format("t*{}", layers);
  }
  text.append(static_cast<size_t>(mtp_depth), 'm');
  return text + 'L';
}

}  // namespace pipeloom
