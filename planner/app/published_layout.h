#pragma once

#include "core/job/cluster.h"
#include "core/job/job.h"
#include "planner/app/published_settings.h"

namespace pipeloom::planner {

// The cluster of a published training.
Result<Cluster> published_cluster(PublishedSettings& settings);

// Layout and schedule. REQUIRES: the job has its model and its cluster.
Status add_published_layout(PublishedSettings& settings, Job& job);

}  // namespace pipeloom::planner
