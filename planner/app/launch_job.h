#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::planner {

// A launch of Megatron-LM, and what its file does not say.
struct LaunchSource {
  std::string path = {};
  std::string job_path = {};  // a job on whose cluster it runs; empty: `gpu` is given
  std::string gpu = {};       // a known GPU or a file; empty: the cluster's
  std::optional<int> nodes = {};
  std::optional<int> gpus_per_node = {};
  std::optional<double> nic_gbytes_per_s = {};
  std::vector<std::string> appended = {};  // more arguments, which come last
};

struct LaunchJob {
  Job job;
  std::vector<std::string> notes;   // where the job differs from what Megatron-LM would run
  std::vector<std::string> unused;  // options that say nothing about the job
  std::string text;                 // the job's file, which begins with the notes
};
// The job that the launch runs.
Result<LaunchJob> open_launch(const LaunchSource& source);

// Writes the job's file; its name must end as a job's does.
Status save_launch_job(const LaunchJob& launch, const std::string& path);

}  // namespace pipeloom::planner
