#pragma once

#include <string>
#include <vector>

#include "core/job/job.h"
#include "planner/app/published_model.h"
#include "proto/published/published_rows.h"

namespace pipeloom::planner {

// A published training as a job.
struct PublishedJob {
  Job job;
  std::vector<std::string> ignored;  // columns that were published and that no field of the job says
};

// Fails if the training can't be said: the error names the column, its value and why.
Result<PublishedJob> published_job(const proto::PublishedTraining& training, const ModelTexts& texts);

}  // namespace pipeloom::planner
