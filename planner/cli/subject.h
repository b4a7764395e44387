#pragma once

#include <optional>
#include <string>

#include "core/job.h"
#include "core/result.h"
#include "planner/evaluate.h"

namespace pipeloom {

// The options that name a job: a file, or a job for learning on the command line. With a job file, those that are given
// override its fields; a plan has fixed all but the P2P rule.
struct SubjectOptions {
  std::string path;  // JOB or PLAN; empty: the options below are the job
  std::string schedule;
  std::optional<int> ranks;
  std::optional<int> micro_batches;
  std::optional<int> chunks;
  std::optional<int> group;
  std::optional<int> pipes;
  std::optional<int> waves;
  std::string times;         // empty: F=1,I=1,W=1
  std::string release;       // "I" or "W"
  std::string weight_share;  // decimal in [0, 1]
  std::string p2p;           // "async" or "blocking"
  std::optional<int> receive_depth;
};

// The job that the options name; refuses a plan.
Result<Job> load_job(const SubjectOptions& options);

// One simulated schedule of a job: a plan's, the one that the job or --schedule names, or the best that fits.
struct Subject {
  Job job;
  std::string schedule_name;
  Evaluation evaluation;
};
Result<Subject> load_subject(const SubjectOptions& options);
Result<Subject> subject_of(const Job& job);

// The best named schedule that fits the memory.
Result<Subject> choose_schedule(const Job& job);

}  // namespace pipeloom
