#pragma once

#include "core/job/job.h"
#include "planner/app/published_settings.h"

namespace pipeloom::planner {

// What the training's framework did. REQUIRES: the job has its cluster and its model.
Status add_published_software(PublishedSettings& settings, Job& job);

}  // namespace pipeloom::planner
