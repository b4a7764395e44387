#include "planner/app/open_as.h"

#include <fmt/format.h>

#include <utility>

#include "core/tasks/lower.h"
#include "planner/app/kind_of_file.h"
#include "planner/schedules/schedule_table.h"
#include "proto/base/version.h"
#include "proto/job/job_io.h"
#include "proto/kineto/kineto.h"
#include "proto/plan/plan_io.h"

namespace pipeloom::planner {

Result<Job> open_job(const std::string& path) {
  PIPELOOM_TRY([[maybe_unused]] const FileKind kind, kind_of_file(path, {FileKind::kJob}));
  PIPELOOM_TRY(Job job, proto::read_job(path));
  if (job.schedule.name.empty()) return job;
  return find_schedule(job.schedule.name)
      .map([&](const NamedSchedule*) { return std::move(job); })
      .map_error([&](Error error) { return proto::in_file(path, std::move(error)); });
}

Result<Plan> open_plan(const std::string& path) {
  PIPELOOM_TRY([[maybe_unused]] const FileKind kind, kind_of_file(path, {FileKind::kPlan}));
  PIPELOOM_TRY(Plan plan, proto::read_plan(path));
  PIPELOOM_RETURN_IF_ERROR(
      check_digest(plan).map_error([&](Error error) { return proto::in_file(path, std::move(error)); }));
  return plan;
}

Result<ProfiledRun> open_profile(const std::string& path) {
  PIPELOOM_TRY([[maybe_unused]] const FileKind kind, kind_of_file(path, {FileKind::kProfile}));
  PIPELOOM_TRY(ProfiledRun run, proto::read_kineto(path));
  if (run.kernels.empty()) return invalid(fmt::format("{}: no kernels; was the GPU profiled too?", path));
  return run;
}

}  // namespace pipeloom::planner
