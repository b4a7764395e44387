#include "gui/timeline/lane.h"

#include <algorithm>

namespace pipeloom::gui {

const char* lane_role_name(LaneRole role) {
  static constexpr const char* kNames[kLaneRoles] = {"passes",        "components", "overlap",
                                                     "communication", "transfers",  "executed"};
  return kNames[static_cast<size_t>(role)];
}

namespace {

const LaneSpan* find(const std::vector<LaneSpan>& spans, int64_t time_ns, int64_t slack_ns) {
  const auto after = std::upper_bound(spans.begin(), spans.end(), time_ns,
                                      [](int64_t time, const LaneSpan& span) { return time < span.begin_ns; });
  if (after != spans.begin() && time_ns - (after - 1)->end_ns < std::max<int64_t>(slack_ns, 0)) return &*(after - 1);
  if (after != spans.begin() && time_ns < (after - 1)->end_ns) return &*(after - 1);
  if (after != spans.end() && after->begin_ns - time_ns <= slack_ns && slack_ns > 0) return &*after;
  return nullptr;
}

}  // namespace

const LaneSpan* PictureLane::span_at(int64_t time_ns, int64_t slack_ns) const {
  return find(spans, time_ns, slack_ns);
}

const LaneSpan* PictureLane::idle_at(int64_t time_ns) const {
  return find(idle, time_ns, 0);
}

}  // namespace pipeloom::gui
