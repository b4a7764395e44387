#include "planner/interchange/schedule_subject.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "core/base/units.h"
#include "planner/evaluate/partition.h"
#include "sim/cost/job_costs.h"

namespace pipeloom::planner {

Result<Subject> subject_of_schedule(const Job& job, std::string schedule_name, const Schedule& schedule) {
  if (job.layout.pipeline != schedule.ranks()) {
    return invalid(fmt::format("the schedule has {} ranks, the job {}", schedule.ranks(), job.layout.pipeline));
  }
  if (job.micro_batches != schedule.micro_batches()) {
    return invalid(
        fmt::format("the schedule has {} micro-batches, the job {}", schedule.micro_batches(), job.micro_batches));
  }
  std::vector<std::vector<int>> worth_trying = {{}};
  if (job.model) {
    PIPELOOM_TRY(worth_trying, partitions(job, schedule.placement()));
  }
  std::optional<Evaluation> best;
  for (std::vector<int>& layers_per_stage : worth_trying) {
    PIPELOOM_TRY(StepCosts costs,
                 sim::step_costs(job, schedule.placement(), std::move(layers_per_stage), sim::usual_order));
    PIPELOOM_RETURN_IF_ERROR(costs.schedule.check_step_of(schedule.passes()));
    PIPELOOM_TRY(Evaluation evaluation, evaluate(job, schedule, std::move(costs)));
    if (!best || evaluation.end.step_ns < best->end.step_ns) best = std::move(evaluation);
  }
  return Subject{job, std::move(schedule_name), std::move(*best)};
}

Job job_of_schedule(const Schedule& schedule) {
  Job job;
  job.layout.pipeline = schedule.ranks();
  job.micro_batches = schedule.micro_batches();
  job.p2p.receive_depth = 0;
  job.costs = DirectCosts{.f_ns = {kNsPerUnit}, .i_ns = {kNsPerUnit}, .w_ns = {kNsPerUnit}, .b_ns = {}, .pair_ns = {}};
  return job;
}

}  // namespace pipeloom::planner
