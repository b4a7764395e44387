#include "gui/models/plan_edit.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/schedules/schedule_table.h"
#include "planner/search/job_problem.h"
#include "sim/cost/job_costs.h"

namespace pipeloom::gui {

PlanSettings settings_of(const planner::Subject& subject) {
  const Job& job = subject.job;
  return {.schedule = subject.schedule_name,
          .ranks = job.layout.pipeline,
          .micro_batches = job.micro_batches,
          .chunks = job.schedule.chunks,
          .tensor = job.layout.tensor,
          .expert = job.layout.expert,
          .precision = job.precision,
          .recompute = job.recompute,
          .memory_limit_bytes = job.memory_limit_bytes,
          .comm_sms = job.cluster ? job.cluster->comm_sms : 0};
}

namespace {

Status set_layout(const PlanSettings& settings, Job& job) {
  Layout& layout = job.layout;
  layout.tensor = settings.tensor;
  layout.pipeline = settings.ranks;
  layout.expert = settings.expert;
  layout.layers_per_stage.clear();
  const int64_t together = int64_t{layout.pipeline} * layout.tensor * layout.context;
  if (together <= 0 || job.cluster->gpus() % together != 0) {
    return invalid(fmt::format("{} ranks x {} tensor-parallel do not divide the {} GPUs", layout.pipeline,
                               layout.tensor, job.cluster->gpus()));
  }
  layout.data = static_cast<int>(job.cluster->gpus() / together);
  job.batch.global_batch = int64_t{settings.micro_batches} * layout.data * job.batch.micro_batch_size;
  job.micro_batches = 0;  // follows from the batch
  return {};
}

}  // namespace

Result<planner::Subject> with_settings(const planner::Subject& subject, const PlanSettings& settings) {
  Job job = subject.job;
  job.schedule.chunks = settings.chunks;
  if (job.model) {
    PIPELOOM_RETURN_IF_ERROR(set_layout(settings, job));
    job.cluster->comm_sms = settings.comm_sms;
    PIPELOOM_RETURN_IF_ERROR(make_cluster(*job.cluster).map([](const Cluster&) {}));
  } else {
    job.layout.pipeline = settings.ranks;
    job.micro_batches = settings.micro_batches;
  }
  job.precision = settings.precision;
  job.recompute = settings.recompute;
  job.memory_limit_bytes = settings.memory_limit_bytes;
  job.schedule.name = settings.schedule;
  PIPELOOM_TRY(job, make_job(std::move(job)));
  PIPELOOM_TRY(const planner::NamedSchedule* named, planner::find_schedule(settings.schedule));
  PIPELOOM_TRY(Job own, planner::job_for(job, *named));
  auto evaluation = planner::evaluate(own, *named, planner::searched_order);
  if (!evaluation) return fail(evaluation.error().code, fmt::format("{}: {}", named->name, evaluation.error().message));
  return planner::Subject{std::move(own), std::string(named->name), std::move(*evaluation)};
}

Result<planner::Subject> with_comm_sms(const planner::Subject& subject, int comm_sms,
                                       const sim::SlotOrder& slot_order) {
  if (!subject.job.cluster) return invalid("only a job with a cluster has SMs to split");
  Job job = subject.job;
  job.cluster->comm_sms = comm_sms;
  PIPELOOM_RETURN_IF_ERROR(make_cluster(*job.cluster).map([](const Cluster&) {}));
  if (const auto named = planner::find_schedule(subject.schedule_name)) {
    PIPELOOM_TRY(planner::Evaluation evaluation, planner::evaluate(job, **named, slot_order));
    return planner::Subject{std::move(job), subject.schedule_name, std::move(evaluation)};
  }
  const planner::Evaluation& old = subject.evaluation;
  PIPELOOM_TRY(StepCosts costs, sim::step_costs(job, old.schedule.placement(), old.costs.layers_per_stage, slot_order));
  PIPELOOM_TRY(planner::Evaluation evaluation, planner::evaluate(job, old.schedule, std::move(costs)));
  return planner::Subject{std::move(job), subject.schedule_name, std::move(evaluation)};
}

std::vector<planner::SplitPoint> split_points(const planner::Subject& subject) {
  const auto named = planner::find_schedule(subject.schedule_name);
  if (!planner::has_pairs(subject) || !named) return {};
  return planner::split_curve(subject.job, **named, planner::candidate_splits(*subject.job.cluster));
}

Result<Improved> improved(const planner::Subject& subject, int64_t activation_cap,
                          const planner::SearchLimits& limits) {
  Job job = subject.job;
  const Placement& placement = subject.evaluation.schedule.placement();
  if (job.model) job.layout.layers_per_stage = subject.evaluation.costs.layers_per_stage;
  job.schedule.chunks = placement.stages() / placement.ranks();
  if (placement.kind() == PlacementKind::kBidirectional) job.schedule.pipe_pairs = placement.pipes() / 2;
  const int64_t peak = subject.evaluation.peak_memory();
  std::vector<int64_t> caps;  // with a model: the GPU's memory
  if (!job.model) caps = {activation_cap > 0 ? activation_cap : peak};
  const bool fits = caps.empty() || peak <= caps.front();
  PIPELOOM_TRY(std::vector<planner::JobProblem> problems,
               planner::problems_of(job, placement.kind(), std::move(caps), planner::Objective::kMakespan));
  PIPELOOM_TRY(const planner::SearchResult found, planner::search(problems.front().problem, limits));
  if (fits && found.makespan_ns >= subject.evaluation.bubble.makespan_ns)
    return Improved{subject, found.bound_ns, false};
  PIPELOOM_TRY(planner::Evaluation evaluation,
               planner::evaluate(job, found.schedule, std::move(problems.front().costs)));
  return Improved{{std::move(job), found.found_by, std::move(evaluation)}, found.bound_ns, true};
}

}  // namespace pipeloom::gui
