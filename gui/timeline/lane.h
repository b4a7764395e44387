#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gui/timeline/share_table.h"

namespace pipeloom::gui {

// What a lane of the picture shows of its rank.
enum class LaneRole : uint8_t {
  kPasses,         // slots of the compute lane, bubbles between them
  kComponents,     // what slots consist of: attention, experts, ...
  kOverlap,        // whether the communication below it is hidden under the compute above it
  kCommunication,  // all-to-all and gradient reductions
  kTransfers,      // sends and receives
  kExecuted,       // what a trace says of the components above it
};
inline constexpr int kLaneRoles = 6;
const char* lane_role_name(LaneRole role);  // "passes", "components", ...

// One lane as it is painted. Spans are sorted by begin and do not overlap.
struct PictureLane {
  LaneRole role = LaneRole::kPasses;
  std::vector<LaneSpan> spans;
  std::vector<LaneSpan> idle;  // bubbles: their look is the cause's, their item numbers the picture's bubbles
  ShareTable shares;           // of `spans`

  // The span that runs at `time_ns`, or the one that ends nearest to it within `slack_ns`; null: none.
  const LaneSpan* span_at(int64_t time_ns, int64_t slack_ns = 0) const;
  const LaneSpan* idle_at(int64_t time_ns) const;
};

}  // namespace pipeloom::gui
