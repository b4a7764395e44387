#include "planner/cli/subject_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/units.h"
#include "planner/cli/times.h"
#include "planner/interchange/schedule_subject.h"
#include "proto/base/files.h"
#include "proto/job/expert_loads_csv.h"
#include "proto/job/job_io.h"
#include "proto/plan/plan_io.h"
#include "proto/torch/schedule_csv.h"

namespace pipeloom::planner {

namespace {

bool is_job_path(const std::string& path) {
  return path.ends_with(".txtpb") || path.ends_with(".json");
}

// A count that was given must be at least 1 (0 would mean "the default" further down).
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

Status set_weight_share(const SubjectOptions& options, Job& job) {
  if (!options.release.empty() && !options.weight_share.empty()) {
    return invalid("--release and --weight-share say the same thing; give one of them");
  }
  if (options.release == "I") job.weight_share_millionths = 0;
  if (options.release == "W") job.weight_share_millionths = 1'000'000;
  if (options.weight_share.empty()) return {};
  const auto share = parse_millionths(options.weight_share);
  if (!share || *share < 0 || *share > 1'000'000) {
    return invalid(fmt::format("--weight-share is {}; allowed are 0 to 1", options.weight_share));
  }
  job.weight_share_millionths = *share;
  return {};
}

Status set_times(const std::string& text, Job& job) {
  if (job.model) return invalid("--times can't be combined with a job whose model gives the costs");
  PIPELOOM_TRY(const Times times, parse_times(text));
  job.costs = times.costs;
  job.p2p.latency_ns = times.link_ns;
  return {};
}

void set_p2p(const SubjectOptions& options, P2pOptions& p2p) {
  if (options.p2p == "async") p2p.mode = P2pMode::kAsync;
  if (options.p2p == "blocking") p2p.mode = P2pMode::kBlocking;
  if (options.receive_depth) p2p.receive_depth = *options.receive_depth;
}

Status set_expert_load(const std::string& path, Job& job) {
  if (path.empty()) return {};
  if (!job.model) return invalid("--expert-load needs a job with a model");
  PIPELOOM_TRY(const std::string csv, proto::read_file(path));
  PIPELOOM_TRY(job.expert_loads, proto::parse_expert_loads(path, csv));
  return {};
}

// What the options say about any job, given on the command line or read from a file.
Status apply_options(const SubjectOptions& options, Job& job) {
  if (!options.schedule.empty()) {
    PIPELOOM_TRY(const NamedSchedule* named, find_schedule(options.schedule));
    job.schedule.name = named->name;
  }
  PIPELOOM_RETURN_IF_ERROR(set_count("--ranks", options.ranks, job.layout.pipeline));
  PIPELOOM_RETURN_IF_ERROR(set_count("--micro-batches", options.micro_batches, job.micro_batches));
  PIPELOOM_RETURN_IF_ERROR(set_count("--chunks", options.chunks, job.schedule.chunks));
  PIPELOOM_RETURN_IF_ERROR(set_count("--group", options.group, job.schedule.group));
  PIPELOOM_RETURN_IF_ERROR(set_count("--waves", options.waves, job.schedule.waves));
  PIPELOOM_RETURN_IF_ERROR(set_pipes(options.pipes, job.schedule));
  PIPELOOM_RETURN_IF_ERROR(set_weight_share(options, job));
  if (!options.times.empty()) PIPELOOM_RETURN_IF_ERROR(set_times(options.times, job));
  set_p2p(options, job.p2p);
  return set_expert_load(options.expert_load, job);
}

Result<Job> command_line_job(SubjectOptions options) {
  if (!options.ranks || !options.micro_batches) {
    return invalid("name a JOB file, or give --ranks and --micro-batches (and --times)");
  }
  if (options.times.empty()) options.times = "F=1,I=1,W=1";
  Job job;
  job.p2p.receive_depth = 0;
  PIPELOOM_RETURN_IF_ERROR(apply_options(options, job));
  return make_job(std::move(job));
}

Result<Job> job_from_file(const SubjectOptions& options) {
  PIPELOOM_TRY(Job job, proto::read_job(options.path));
  if (const std::string& name = job.schedule.name; !name.empty()) {
    if (const auto known = find_schedule(name); !known) {
      return fail(known.error().code, fmt::format("{}: {}", options.path, known.error().message));
    }
  }
  if (job.model && !options.micro_batches) job.micro_batches = 0;  // follows from the batch and the layout
  PIPELOOM_RETURN_IF_ERROR(apply_options(options, job));
  return make_job(std::move(job));
}

// What an order of passes has fixed.
Status check_no_order_given(const SubjectOptions& options, const char* by) {
  const std::pair<const char*, bool> fixed[] = {{"--schedule", !options.schedule.empty()},
                                                {"--ranks", options.ranks.has_value()},
                                                {"--micro-batches", options.micro_batches.has_value()},
                                                {"--chunks", options.chunks.has_value()},
                                                {"--group", options.group.has_value()},
                                                {"--pipes", options.pipes.has_value()},
                                                {"--waves", options.waves.has_value()}};
  for (const auto& [option, given] : fixed) {
    if (given) return invalid(fmt::format("{} can't be combined with a {}, which has fixed it", option, by));
  }
  return {};
}

Status check_nothing_fixed_by_a_plan(const SubjectOptions& options) {
  PIPELOOM_RETURN_IF_ERROR(check_no_order_given(options, "plan"));
  const std::pair<const char*, bool> fixed[] = {{"--times", !options.times.empty()},
                                                {"--release", !options.release.empty()},
                                                {"--expert-load", !options.expert_load.empty()},
                                                {"--weight-share", !options.weight_share.empty()}};
  for (const auto& [option, given] : fixed) {
    if (given) return invalid(fmt::format("{} can't be combined with a plan, which has fixed it", option));
  }
  return {};
}

Result<Subject> subject_from_plan(const SubjectOptions& options) {
  PIPELOOM_RETURN_IF_ERROR(check_nothing_fixed_by_a_plan(options));
  PIPELOOM_TRY(Plan plan, proto::read_plan(options.path));
  set_p2p(options, plan.job.p2p);
  auto subject = subject_of(std::move(plan));
  if (!subject) return fail(subject.error().code, fmt::format("{}: {}", options.path, subject.error().message));
  return subject;
}

// "runs/mine.csv" -> "mine"
std::string stem_of(const std::string& path) {
  const std::string name = path.substr(path.find_last_of('/') + 1);
  return name.substr(0, name.find_last_of('.'));
}

// The job whose costs a schedule from elsewhere has: a file's, or the times on the command line.
Result<Job> job_beside(const SubjectOptions& options, const Schedule& schedule) {
  if (!options.job.empty()) {
    SubjectOptions of_job = options;
    of_job.path = options.job;
    return load_job(of_job);
  }
  Job job = job_of_schedule(schedule);
  PIPELOOM_RETURN_IF_ERROR(apply_options(options, job));
  return make_job(std::move(job));
}

Result<Subject> subject_from_csv(const SubjectOptions& options) {
  PIPELOOM_RETURN_IF_ERROR(check_no_order_given(options, "schedule"));
  PIPELOOM_TRY(const std::string csv, proto::read_file(options.path));
  PIPELOOM_TRY(const Schedule schedule, proto::parse_torch_csv(options.path, csv));
  PIPELOOM_TRY(const Job job, job_beside(options, schedule));
  auto subject = subject_of_schedule(job, stem_of(options.path), schedule);
  if (!subject) return fail(subject.error().code, fmt::format("{}: {}", options.path, subject.error().message));
  return subject;
}

}  // namespace

Result<Job> load_job(const SubjectOptions& options) {
  if (options.path.empty()) return command_line_job(options);
  if (is_job_path(options.path)) return job_from_file(options);
  return invalid(fmt::format("{}: a job file ends in .txtpb or .json", options.path));
}

Result<Subject> load_subject(const SubjectOptions& options) {
  if (options.path.ends_with(".csv")) return subject_from_csv(options);
  if (!options.path.empty() && !is_job_path(options.path)) return subject_from_plan(options);
  PIPELOOM_TRY(const Job job, load_job(options));
  return subject_of(job);
}

}  // namespace pipeloom::planner
