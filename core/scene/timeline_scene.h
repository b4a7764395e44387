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
  int64_t ns_per_unit = 0;  // the axis counts these; 0: seconds, milliseconds, ...
};

// One lane per rank: every slot as a rectangle (a pair as two halves), idle time hatched with its cause as tool tip, an
// axis and a legend.
Scene timeline_scene(const Schedule& schedule, const Timeline& timeline, std::span<const IdleInterval> idle,
                     const TimelineSceneOptions& options);

}  // namespace pipeloom
