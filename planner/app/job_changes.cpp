#include "planner/app/job_changes.h"

#include <fmt/format.h>

#include <span>

#include "planner/schedules/schedule_table.h"
#include "proto/base/files.h"
#include "proto/job/expert_loads_csv.h"
#include "proto/job/fitted_constants.h"
#include "proto/job/training_rates_files.h"

namespace pipeloom::planner {

namespace {

// A count that was given must be at least 1: 0 would mean "the default" further down.
Status set_count(const char* option, std::optional<int> count, int& field) {
  if (!count) return {};
  if (*count < 1) return invalid(fmt::format("{} is {}; allowed are 1 and more", option, *count));
  field = *count;
  return {};
}

Status set_pipes(std::optional<int> pipes, ScheduleChoice& choice) {
  if (!pipes) return {};
  if (*pipes < 2 || *pipes % 2 != 0) {
    return invalid(fmt::format("--pipes is {}; a bidirectional schedule has 2, 4, 6, ... pipes", *pipes));
  }
  choice.pipe_pairs = *pipes / 2;
  return {};
}

Status set_times(const std::optional<PassTimes>& times, Job& job) {
  if (!times) return {};
  if (job.model) return invalid("--times can't be combined with a job whose model gives the costs");
  job.costs = times->costs;
  job.p2p.latency_ns = times->link_ns;
  return {};
}

Status set_expert_load(const std::string& path, Job& job) {
  if (path.empty()) return {};
  if (!job.model) return invalid("--expert-load needs a job with a model");
  PIPELOOM_TRY(const std::string csv, proto::read_file(path));
  PIPELOOM_TRY(job.expert_loads, proto::parse_expert_loads(path, csv));
  return {};
}

Status set_constants(const std::string& path, Job& job) {
  if (path.empty()) return {};
  if (!job.software) return invalid("--constants needs a job with software, whose rates they are factors of");
  PIPELOOM_TRY(const FittedConstants fitted, proto::read_fitted_constants(path));
  PIPELOOM_TRY(job.software->rates, proto::fitted_training_rates(job.cluster->gpu.name, fitted));
  return {};
}

struct Change {
  const char* option;
  bool given;
};

Status check_none(std::span<const Change> changes, const char* by) {
  for (const Change& change : changes) {
    if (change.given)
      return invalid(fmt::format("{} can't be combined with a {}, which has fixed it", change.option, by));
  }
  return {};
}

Status check_keeps_order(const JobChanges& changes, const char* by) {
  const Change order[] = {{"--schedule", !changes.schedule.empty()},
                          {"--ranks", changes.ranks.has_value()},
                          {"--micro-batches", changes.micro_batches.has_value()},
                          {"--chunks", changes.chunks.has_value()},
                          {"--group", changes.group.has_value()},
                          {"--pipes", changes.pipes.has_value()},
                          {"--waves", changes.waves.has_value()}};
  return check_none(order, by);
}

}  // namespace

Status change_job(const JobChanges& changes, Job& job) {
  if (!changes.schedule.empty()) {
    PIPELOOM_TRY(const NamedSchedule* named, find_schedule(changes.schedule));
    job.schedule.name = named->name;
  }
  PIPELOOM_RETURN_IF_ERROR(set_count("--ranks", changes.ranks, job.layout.pipeline));
  PIPELOOM_RETURN_IF_ERROR(set_count("--micro-batches", changes.micro_batches, job.micro_batches));
  PIPELOOM_RETURN_IF_ERROR(set_count("--chunks", changes.chunks, job.schedule.chunks));
  PIPELOOM_RETURN_IF_ERROR(set_count("--group", changes.group, job.schedule.group));
  PIPELOOM_RETURN_IF_ERROR(set_count("--waves", changes.waves, job.schedule.waves));
  PIPELOOM_RETURN_IF_ERROR(set_pipes(changes.pipes, job.schedule));
  job.weight_share_millionths = changes.weight_share_millionths.value_or(job.weight_share_millionths);
  PIPELOOM_RETURN_IF_ERROR(set_times(changes.times, job));
  change_p2p(changes, job.p2p);
  PIPELOOM_RETURN_IF_ERROR(set_constants(changes.constants, job));
  return set_expert_load(changes.expert_load_csv, job);
}

void change_p2p(const JobChanges& changes, P2pOptions& p2p) {
  p2p.mode = changes.p2p.value_or(p2p.mode);
  p2p.receive_depth = changes.receive_depth.value_or(p2p.receive_depth);
}

Status check_schedule_allows(const JobChanges& changes) {
  return check_keeps_order(changes, "schedule");
}

Status check_plan_allows(const JobChanges& changes) {
  PIPELOOM_RETURN_IF_ERROR(check_keeps_order(changes, "plan"));
  const Change costs[] = {{"--times", changes.times.has_value()},
                          {"--release or --weight-share", changes.weight_share_millionths.has_value()},
                          {"--constants", !changes.constants.empty()},
                          {"--expert-load", !changes.expert_load_csv.empty()}};
  return check_none(costs, "plan");
}

}  // namespace pipeloom::planner
