#pragma once

#include <span>
#include <string>

#include "core/scene/scene.h"
#include "core/schedule/idle.h"
#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"

namespace pipeloom {

struct TimelineSceneOptions {
  double width = 1600;
  double lane_height = 22;
  std::string title;
  int64_t ns_per_unit = 0;  // unit of the axis; 0: seconds, milliseconds, ... as fits
};

// Draws one lane per rank, an axis and a legend. Every slot is a rectangle (a pair two halves). Idle time is hatched,
// with its cause as tool tip.
Scene timeline_scene(const Schedule& schedule, const Timeline& timeline, std::span<const IdleInterval> idle,
                     const TimelineSceneOptions& options);

}  // namespace pipeloom
