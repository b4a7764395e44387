#pragma once

#include <string>

#include "core/job.h"
#include "core/result.h"
#include "planner/evaluate.h"

namespace pipeloom {

// The options that name a job: a file, or a job for learning on the command line; with a file, they override its
// fields.
struct SubjectOptions {
  std::string path;  // JOB or PLAN; empty: the options below are the job
  std::string schedule;
  int ranks = 0;
  int micro_batches = 0;
  int chunks = 0;
  int group = 0;
  int pipes = 0;
  int waves = 0;
  std::string times = "F=1,I=1,W=1";
  std::string release;       // "I" or "W"
  std::string weight_share;  // decimal in [0, 1]
  std::string p2p;           // "async" or "blocking"
  int receive_depth = -1;
};

// The job that the options name. A PLAN's job is the job that it was made from.
Result<Job> load_job(const SubjectOptions& options);

// One simulated schedule of a job: a plan's, the one that the job or --schedule names, or the best that fits.
struct Subject {
  Job job;
  std::string schedule_name;
  Evaluation evaluation;
};
Result<Subject> load_subject(const SubjectOptions& options);

// The best named schedule that fits the memory.
Result<Subject> choose_schedule(const Job& job);

}  // namespace pipeloom
