#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "planner/subject/subject.h"

namespace pipeloom::planner {

// Paths of the jobs that the program carries inside: "samples/tiny-moe.txtpb", "samples/published/...".
std::vector<std::string> embedded_job_paths();

// A job to start from.
struct SampleJob {
  std::string path;
  std::string name;
  std::string summary;  // what its file says first
};
// The embedded jobs but the published ones, which are there to be validated.
std::vector<SampleJob> sample_jobs();

// A sample as it is planned when it is opened.
Result<Subject> open_sample_job(const std::string& path);

}  // namespace pipeloom::planner
