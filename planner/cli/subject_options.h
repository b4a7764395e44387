#pragma once

#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/subject/subject.h"

namespace pipeloom::planner {

// The options that name a job: a file, or a job for learning on the command line. With a job file, those that are given
// override its fields; a plan has fixed all but the P2P rule.
struct SubjectOptions {
  std::string path;  // JOB, PLAN or a schedule as CSV; empty: the options below are the job
  std::string job;   // with a schedule: the job whose costs it has; empty: `times`
  std::string schedule;
  std::optional<int> ranks;
  std::optional<int> micro_batches;
  std::optional<int> chunks;
  std::optional<int> group;
  std::optional<int> pipes;
  std::optional<int> waves;
  std::string expert_load;   // a file of measured expert loads; empty: routers are taken as balanced
  std::string constants;     // a file of fitted constants
  std::string times;         // empty: F=1,I=1,W=1
  std::string release;       // "I" or "W"
  std::string weight_share;  // decimal in [0, 1]
  std::string p2p;           // "async" or "blocking"
  std::optional<int> receive_depth;
  std::string framework;  // that is to run it (planner/schedules/frameworks.h); empty: any
};

// The job that the options name; refuses a plan.
Result<Job> load_job(const SubjectOptions& options);

Result<Subject> load_subject(const SubjectOptions& options);

}  // namespace pipeloom::planner
