#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/tasks/trace.h"
#include "gui/timeline/lane.h"
#include "gui/timeline/memory_curve.h"

namespace pipeloom::gui {

// One rank: its lanes from top to bottom, and its memory.
struct RankPicture {
  std::vector<PictureLane> lanes;
  std::optional<MemoryCurve> memory;
  double idle_share = 0;     // of its compute lane
  double hidden_share = -1;  // of its communication; below 0: it has none

  const PictureLane* lane(LaneRole role) const {
    for (const PictureLane& one : lanes) {
      if (one.role == role) return &one;
    }
    return nullptr;
  }
};

// A plan, a job or a trace, ready to be painted. Immutable; painted and read from any thread.
struct Picture {
  std::string title;   // "DeepSeek-V3 on 2048 H800"
  std::string detail;  // "DualPipe, 17.9 s a step, 15.2 % bubble"
  int64_t length_ns = 1;
  bool plain_units = false;  // times are numbers of kNsPerUnit: a job for learning
  std::vector<RankPicture> ranks;
  // What the items of the lanes below the passes number. Items of passes number slots, those of idle time the bubbles
  // of an Explanation.
  std::vector<TaskKey> tasks;

  // What a span says inside its bar. `lower`: of the lower half of a pair.
  std::function<std::string(const Picture&, const PictureLane&, const LaneSpan&, bool lower)> label;
  std::function<std::string(int64_t ns)> time_text;
};

}  // namespace pipeloom::gui
