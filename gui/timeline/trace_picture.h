#pragma once

#include <functional>
#include <span>

#include "core/tasks/plan.h"
#include "core/tasks/trace.h"
#include "gui/timeline/plan_picture.h"

namespace pipeloom::gui {

// Collects the spans of a trace, block by block, and makes a picture of them: passes (the tasks of a slot together),
// components, communication and how much of it compute hid.
class TracePictureBuilder {
 public:
  explicit TracePictureBuilder(std::string name) : name_(std::move(name)) {}

  void add(std::span<const Span> spans);
  size_t spans() const { return spans_; }
  // `schedule`: of the plan that was run, if it is known; it gives the passes their micro-batches and must outlive the
  // picture.
  Picture build(const Schedule* schedule) &&;

 private:
  struct RankSpans {
    std::vector<LaneSpan> lanes[5];  // [Lane]
  };

  std::string name_;
  size_t spans_ = 0;
  std::vector<RankSpans> ranks_;
  std::vector<TaskKey> tasks_;
};

// How much longer a task took than planned, as a look: kLookRatio0 and following. `planned_ns` 0: as planned.
uint8_t ratio_look(int64_t planned_ns, int64_t executed_ns);

// Adds to the picture of a plan what its trace says: below the planned components of each rank those that were
// executed, coloured by how much longer they took.
void add_executed(Picture& picture, const Schedule& schedule, const StepCosts& costs, const Trace& trace);

}  // namespace pipeloom::gui
