#pragma once

#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/job/job.h"
#include "core/tasks/plan.h"
#include "planner/evaluate/evaluate.h"
#include "planner/schedules/frameworks.h"

namespace pipeloom::planner {

// A job with one simulated schedule: a plan's, the one that the job names, or the best that fits.
struct Subject {
  Job job;
  std::string schedule_name;
  Evaluation evaluation;
};
// `framework`: that is to run it; nullptr: any.
Result<Subject> subject_of(const Job& job, const Framework* framework = nullptr);
// Fails if this program does not lower the plan to the tasks that its writer saw.
Result<Subject> subject_of(Plan plan);

// Returns the best named schedule that fits the memory.
Result<Subject> choose_schedule(const Job& job, const Framework* framework = nullptr);

Plan plan_of(const Subject& subject);

// True if the schedule has overlapped pairs whose components have costs.
bool has_pairs(const Subject& subject);
// Returns the subject with the best order of components inside its pairs, and its SMs split as `comm_sms` says or,
// without it, in the best way. If its ranks share a GPU, chooses the way to copy hand-overs instead. Otherwise a
// subject without overlapped pairs stays as it is.
Result<Subject> plan_overlap(Subject subject, std::optional<int> comm_sms);

// Returns one line of facts: job, schedule, ranks, stages and micro-batches.
std::string headline(const Subject& subject);

// Formats a time: for people if the job has a model ("19.9 s"), else in the job's units ("57").
std::string time_text(const Job& job, int64_t ns);
// Formats an amount of memory: bytes; without a model, activations (given in millionths).
std::string memory_text(const Job& job, int64_t amount);
std::string percent_text(double share);

}  // namespace pipeloom::planner
