#include "planner/cli/subject.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/lowering/lower.h"
#include "core/units.h"
#include "planner/cli/times.h"
#include "planner/compare.h"
#include "proto/job_io.h"
#include "proto/plan_io.h"

namespace pipeloom {

namespace {

bool is_job_path(const std::string& path) {
  return path.ends_with(".txtpb") || path.ends_with(".json");
}

Status set_pipes(int pipes, ScheduleChoice& choice) {
  if (pipes == 0) return {};
  if (pipes < 2 || pipes % 2 != 0) {
    return invalid(fmt::format("--pipes is {}; a bidirectional schedule has 2, 4, 6, ... pipes", pipes));
  }
  choice.pipe_pairs = pipes / 2;
  return {};
}

// What the options say about any job, given on the command line or read from a file.
Status apply_options(const SubjectOptions& options, Job& job) {
  if (!options.schedule.empty()) {
    PIPELOOM_TRY(const NamedSchedule* named, find_schedule(options.schedule));
    job.schedule.name = named->name;
  }
  if (options.chunks != 0) job.schedule.chunks = options.chunks;
  if (options.group != 0) job.schedule.group = options.group;
  if (options.waves != 0) job.schedule.waves = options.waves;
  PIPELOOM_CHECK_OK(set_pipes(options.pipes, job.schedule));
  if (options.p2p == "async") job.p2p.mode = P2pMode::kAsync;
  if (options.p2p == "blocking") job.p2p.mode = P2pMode::kBlocking;
  if (options.receive_depth >= 0) job.p2p.receive_depth = options.receive_depth;
  if (options.release == "I") job.weight_share_millionths = 0;
  if (!options.weight_share.empty()) {
    const auto share = parse_millionths(options.weight_share);
    if (!share || *share < 0 || *share > 1'000'000) {
      return invalid(fmt::format("--weight-share is {}; allowed are 0 to 1", options.weight_share));
    }
    job.weight_share_millionths = *share;
  }
  return {};
}

Result<Job> command_line_job(const SubjectOptions& options) {
  if (options.ranks == 0 || options.micro_batches == 0) {
    return invalid("name a JOB file, or give --ranks and --micro-batches (and --times)");
  }
  Job job;
  PIPELOOM_TRY(const Times times, parse_times(options.times));
  job.costs = times.costs;
  job.p2p.latency_ns = times.link_ns;
  job.p2p.receive_depth = 0;
  job.layout.pipeline = options.ranks;
  job.micro_batches = options.micro_batches;
  PIPELOOM_CHECK_OK(apply_options(options, job));
  return make_job(std::move(job));
}

Result<Job> job_from_file(const SubjectOptions& options) {
  PIPELOOM_TRY(Job job, read_job(options.path));
  if (const std::string& name = job.schedule.name; !name.empty()) {
    if (const auto known = find_schedule(name); !known) {
      return fail(known.error().code, fmt::format("{}: {}", options.path, known.error().message));
    }
  }
  if (options.ranks != 0) job.layout.pipeline = options.ranks;
  if (options.micro_batches != 0) job.micro_batches = options.micro_batches;
  PIPELOOM_CHECK_OK(apply_options(options, job));
  return make_job(std::move(job));
}

Result<Subject> subject_from_plan(const std::string& path) {
  PIPELOOM_TRY(Plan plan, read_plan(path));
  if (const Status same = check_digest(plan); !same) {
    return fail(same.error().code, fmt::format("{}: {}", path, same.error().message));
  }
  Job job = plan.job;
  PIPELOOM_TRY(Evaluation evaluation, evaluate(job, std::move(plan.schedule), std::move(plan.costs)));
  return Subject{std::move(job), std::move(plan.schedule_name), std::move(evaluation)};
}

}  // namespace

Result<Job> load_job(const SubjectOptions& options) {
  if (options.path.empty()) return command_line_job(options);
  if (is_job_path(options.path)) return job_from_file(options);
  return invalid(fmt::format("{}: a job file ends in .txtpb or .json", options.path));
}

Result<Subject> choose_schedule(const Job& job) {
  std::vector<ComparedSchedule> compared = compare_schedules(job);
  ComparedSchedule& best = compared.front();
  if (!best.evaluation) {
    return unsupported(
        fmt::format("no schedule can run this job; {}: {}", best.named->name, best.evaluation.error().message));
  }
  if (!best.fits) {
    const auto least = std::min_element(compared.begin(), compared.end(), [](const auto& a, const auto& b) {
      if (!a.evaluation || !b.evaluation) return a.evaluation.has_value() && !b.evaluation.has_value();
      return a.evaluation->peak_memory() < b.evaluation->peak_memory();
    });
    return unsupported(fmt::format("no schedule fits the memory: a GPU may use {}; the least, {}, needs {}",
                                   format_bytes(memory_limit_bytes(job)), least->named->name,
                                   format_bytes(least->evaluation->peak_memory())));
  }
  return Subject{std::move(best.job), std::string(best.named->name), std::move(*best.evaluation)};
}

Result<Subject> load_subject(const SubjectOptions& options) {
  if (!options.path.empty() && !is_job_path(options.path)) return subject_from_plan(options.path);
  PIPELOOM_TRY(const Job job, load_job(options));
  if (job.schedule.name.empty()) return choose_schedule(job);
  PIPELOOM_TRY(const NamedSchedule* named, find_schedule(job.schedule.name));
  auto evaluation = evaluate(job, *named);
  if (!evaluation) return fail(evaluation.error().code, fmt::format("{}: {}", named->name, evaluation.error().message));
  return Subject{job, std::string(named->name), std::move(*evaluation)};
}

}  // namespace pipeloom
