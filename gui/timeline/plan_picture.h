#pragma once

#include "gui/timeline/picture.h"
#include "planner/subject/explanation.h"

namespace pipeloom::gui {

// What a bar's colour says. kError: of executed tasks against planned ones.
enum class ColourBy : uint8_t { kKind, kMicroBatch, kStage, kSlack, kError };
inline constexpr int kColourings = 5;
const char* colour_by_name(ColourBy colour);  // "kind", "micro-batch", ...

struct PictureOptions {
  ColourBy colour = ColourBy::kKind;
  bool critical_path = false;  // everything else is faded

  bool operator==(const PictureOptions&) const = default;
};

// The whole step of a subject: passes and bubbles, what passes consist of, communication and how much of it compute
// hides, transfers, memory. The picture keeps a reference: `why` must outlive it.
Picture plan_picture(const planner::Explanation& why, const PictureOptions& options);

// The look of a pass or component of it, by kind and pipe.
uint8_t look_of(SlotKind pass, int pipe);
// What their bars say.
std::string pass_label(const Schedule& schedule, const LaneSpan& span, bool lower);
std::string task_label(const TaskKey& task);

}  // namespace pipeloom::gui
