#include "planner/app/subject_svg.h"

#include "core/base/units.h"
#include "core/scene/timeline_scene.h"
#include "planner/subject/explanation.h"
#include "proto/svg/svg.h"

namespace pipeloom::planner {

std::string subject_svg(const Subject& subject, int width) {
  TimelineSceneOptions options;
  options.width = width;
  options.title = headline(subject);
  options.ns_per_unit = subject.job.model ? 0 : kNsPerUnit;
  const Explanation explanation(subject);
  return proto::to_svg(
      timeline_scene(subject.evaluation.schedule, subject.evaluation.timeline, explanation.idle(), options));
}

}  // namespace pipeloom::planner
