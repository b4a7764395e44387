#include "planner/app/plan_settings.h"

#include <fmt/format.h>

#include <utility>

#include "planner/evaluate/evaluate.h"
#include "planner/overlap/split.h"
#include "planner/schedules/schedule_table.h"

namespace pipeloom::planner {

PlanSettings settings_of(const Subject& subject) {
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

Result<Subject> with_settings(const Subject& subject, const PlanSettings& settings) {
  Job job = subject.job;
  job.schedule.chunks = settings.chunks;
  if (job.model) {
    PIPELOOM_RETURN_IF_ERROR(set_layout(settings, job));
    job.cluster->comm_sms = settings.comm_sms;
  } else {
    job.layout.pipeline = settings.ranks;
    job.micro_batches = settings.micro_batches;
  }
  job.precision = settings.precision;
  job.recompute = settings.recompute;
  job.memory_limit_bytes = settings.memory_limit_bytes;
  job.schedule.name = settings.schedule;
  PIPELOOM_TRY(job, make_job(std::move(job)));
  PIPELOOM_TRY(const NamedSchedule* named, find_schedule(settings.schedule));
  PIPELOOM_TRY(Job own, job_for(job, *named));
  auto evaluation = evaluate(own, *named, searched_order);
  if (!evaluation) return fail(evaluation.error().code, fmt::format("{}: {}", named->name, evaluation.error().message));
  return Subject{std::move(own), std::string(named->name), std::move(*evaluation)};
}

}  // namespace pipeloom::planner
