#include "planner/app/sm_split.h"

#include <utility>

#include "planner/schedules/schedule_table.h"
#include "sim/cost/job_costs.h"

namespace pipeloom::planner {

Result<Subject> with_comm_sms(const Subject& subject, int comm_sms, const sim::SlotOrder& slot_order) {
  if (!subject.job.cluster) return invalid("only a job with a cluster has SMs to split");
  Job job = subject.job;
  job.cluster->comm_sms = comm_sms;
  PIPELOOM_RETURN_IF_ERROR(make_cluster(*job.cluster).map([](const Cluster&) {}));
  if (const auto named = find_schedule(subject.schedule_name)) {
    PIPELOOM_TRY(Evaluation evaluation, evaluate(job, **named, slot_order));
    return Subject{std::move(job), subject.schedule_name, std::move(evaluation)};
  }
  const Evaluation& old = subject.evaluation;
  PIPELOOM_TRY(StepCosts costs, sim::step_costs(job, old.schedule.placement(), old.costs.layers_per_stage, slot_order));
  PIPELOOM_TRY(Evaluation evaluation, evaluate(job, old.schedule, std::move(costs)));
  return Subject{std::move(job), subject.schedule_name, std::move(evaluation)};
}

std::vector<SplitPoint> split_points(const Subject& subject) {
  const auto named = find_schedule(subject.schedule_name);
  if (!has_pairs(subject) || !named) return {};
  return split_curve(subject.job, **named, candidate_splits(*subject.job.cluster));
}

}  // namespace pipeloom::planner
