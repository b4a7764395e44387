#include "planner/evaluate/step_interval.h"

#include <cmath>

namespace pipeloom::planner {

namespace {

StepErrors errors_of(const Job& job) {
  if (!job.software) return {};
  return job.model->moe ? job.software->rates.expert_errors : job.software->rates.dense_errors;
}

}  // namespace

std::optional<StepInterval> step_interval(const Job& job, int64_t predicted_ns) {
  const StepErrors errors = errors_of(job);
  if (!errors.known()) return std::nullopt;
  const auto predicted = static_cast<double>(predicted_ns);
  return StepInterval{std::llround(predicted * std::exp(-errors.high)),
                      std::llround(predicted * std::exp(-errors.low))};
}

bool too_close_to_call(const Job& job, int64_t predicted_ns, int64_t other_ns) {
  const StepErrors errors = errors_of(job);
  if (predicted_ns <= 0 || other_ns <= 0) return false;
  return std::abs(std::log(static_cast<double>(predicted_ns) / static_cast<double>(other_ns))) < errors.pair;
}

}  // namespace pipeloom::planner
