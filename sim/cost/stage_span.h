#pragma once

#include <span>
#include <vector>

namespace pipeloom::sim {

// The layers of one stage. The first stage has the embedding besides, the last the head and the MTP modules; a stage
// may have no layers.
struct StageSpan {
  int first_layer = 0;
  int layers = 0;
  bool is_first = false;
  bool is_last = false;

  int end_layer() const { return first_layer + layers; }
};

inline std::vector<StageSpan> stage_spans(std::span<const int> layers_per_stage) {
  std::vector<StageSpan> spans;
  int next_layer = 0;
  for (size_t stage = 0; stage < layers_per_stage.size(); ++stage) {
    spans.push_back({next_layer, layers_per_stage[stage], stage == 0, stage + 1 == layers_per_stage.size()});
    next_layer += layers_per_stage[stage];
  }
  return spans;
}

}  // namespace pipeloom::sim
