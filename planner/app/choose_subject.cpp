#include "planner/app/choose_subject.h"

#include <filesystem>
#include <utility>

#include "core/base/units.h"
#include "planner/app/kind_of_file.h"
#include "planner/app/open_as.h"
#include "planner/interchange/schedule_subject.h"
#include "proto/base/files.h"
#include "proto/base/version.h"
#include "proto/plan/plan_io.h"
#include "proto/torch/schedule_csv.h"

namespace pipeloom::planner {

namespace {

// F, I and W last one unit each.
PassTimes unit_times() {
  PassTimes times;
  times.costs.f_ns = times.costs.i_ns = times.costs.w_ns = {kNsPerUnit};
  return times;
}

Result<Job> job_for_learning(JobChanges changes) {
  if (!changes.ranks || !changes.micro_batches) {
    return invalid("name a JOB file, or give --ranks and --micro-batches (and --times)");
  }
  if (!changes.times) changes.times = unit_times();
  Job job;
  job.p2p.receive_depth = 0;
  PIPELOOM_RETURN_IF_ERROR(change_job(changes, job));
  return make_job(std::move(job));
}

Result<Job> job_of_file(const std::string& path, const JobChanges& changes) {
  PIPELOOM_TRY(Job job, open_job(path));
  if (job.model && !changes.micro_batches) job.micro_batches = 0;  // follows from the batch and the layout
  PIPELOOM_RETURN_IF_ERROR(change_job(changes, job));
  return make_job(std::move(job));
}

// The subject, or its error with the file's name before it.
Result<Subject> of_file(const std::string& path, Result<Subject> subject) {
  return std::move(subject).map_error([&](Error error) { return proto::in_file(path, std::move(error)); });
}

Result<Subject> subject_of_plan(const SubjectSource& source) {
  PIPELOOM_RETURN_IF_ERROR(check_plan_allows(source.changes));
  PIPELOOM_TRY(Plan plan, proto::read_plan(source.path));
  change_p2p(source.changes, plan.job.p2p);
  return of_file(source.path, subject_of(std::move(plan)));
}

Result<Job> job_beside(const SubjectSource& source, const Schedule& schedule) {
  if (!source.job_path.empty()) return job_of_file(source.job_path, source.changes);
  Job job = job_of_schedule(schedule);
  PIPELOOM_RETURN_IF_ERROR(change_job(source.changes, job));
  return make_job(std::move(job));
}

Result<Subject> subject_of_csv(const SubjectSource& source) {
  PIPELOOM_RETURN_IF_ERROR(check_schedule_allows(source.changes));
  PIPELOOM_TRY(const std::string csv, proto::read_file(source.path));
  PIPELOOM_TRY(const Schedule schedule, proto::parse_torch_csv(source.path, csv));
  PIPELOOM_TRY(const Job job, job_beside(source, schedule));
  return of_file(source.path, subject_of_schedule(job, std::filesystem::path(source.path).stem().string(), schedule));
}

Result<Subject> subject_of_job(const SubjectSource& source) {
  PIPELOOM_TRY(const Job job, choose_job(source));
  PIPELOOM_TRY(const Framework* framework, find_framework(source.framework));
  Result<Subject> subject = subject_of(job, framework);
  return source.path.empty() ? std::move(subject) : of_file(source.path, std::move(subject));
}

}  // namespace

Result<Job> choose_job(const SubjectSource& source) {
  return source.path.empty() ? job_for_learning(source.changes) : job_of_file(source.path, source.changes);
}

Result<Subject> choose_subject(const SubjectSource& source) {
  if (source.path.empty()) return subject_of_job(source);
  PIPELOOM_TRY(const FileKind kind, kind_of_file(source.path, {FileKind::kJob, FileKind::kPlan, FileKind::kSchedule}));
  if (kind == FileKind::kPlan) return subject_of_plan(source);
  return kind == FileKind::kSchedule ? subject_of_csv(source) : subject_of_job(source);
}

}  // namespace pipeloom::planner
