#pragma once

#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/job/job.h"
#include "core/tasks/plan.h"
#include "planner/evaluate/evaluate.h"

namespace pipeloom::planner {

// One simulated schedule of a job: a plan's, the one that the job names, or the best that fits.
struct Subject {
  Job job;
  std::string schedule_name;
  Evaluation evaluation;
};
Result<Subject> subject_of(const Job& job);
// Fails where this program does not lower the plan to the tasks that its writer saw.
Result<Subject> subject_of(Plan plan);

// The best named schedule that fits the memory.
Result<Subject> choose_schedule(const Job& job);

Plan plan_of(const Subject& subject);

// Whether its schedule has overlapped pairs whose components have costs.
bool has_pairs(const Subject& subject);
// The subject with its SMs split (as `comm_sms` says, or as is best) and the components of its pairs ordered as is
// best; where its ranks share a GPU, with the way to copy hand-overs. Otherwise unchanged where its schedule has no
// overlapped pairs.
Result<Subject> plan_overlap(Subject subject, std::optional<int> comm_sms);

// Times of a job with a model are for people ("19.9 s"); those of a job for learning are in its units ("57").
std::string time_text(const Job& job, int64_t ns);
// Bytes; without a model, activations (given in millionths).
std::string memory_text(const Job& job, int64_t amount);
std::string percent_text(double share);

}  // namespace pipeloom::planner
