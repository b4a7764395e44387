#include "gui/models/document.h"

#include <fmt/format.h>

#include <fstream>

#include "core/tasks/lower.h"
#include "gui/timeline/trace_picture.h"
#include "planner/interchange/run_streams.h"
#include "planner/interchange/schedule_subject.h"
#include "planner/interchange/trace_of_run.h"
#include "proto/base/embedded.h"
#include "proto/base/files.h"
#include "proto/base/version.h"
#include "proto/job/job_io.h"
#include "proto/kineto/kineto.h"
#include "proto/plan/plan_io.h"
#include "proto/torch/schedule_csv.h"
#include "proto/trace/trace_io.h"

namespace pipeloom::gui {

namespace {

bool is_job_path(const std::string& path) {
  return path.ends_with(".txtpb") || path.ends_with(".json");
}

// By the kind that every trace file starts with; whatever else is wrong with it is for its reader to say.
bool is_trace_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string head(64, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  return head.find(proto::kTraceKind) != std::string::npos;
}

std::shared_ptr<const Picture> picture_of(const Document& document) {
  auto picture = std::make_shared<Picture>(plan_picture(document.step->why, document.options));
  if (document.trace) {
    const planner::Evaluation& evaluation = document.step->subject.evaluation;
    add_executed(*picture, evaluation.schedule, evaluation.costs, *document.trace);
    picture->detail += fmt::format("   executed in {}", document.step->why.time(document.diff->executed_step_ns));
  }
  return picture;
}

DocumentPointer planned(Document document, planner::Subject subject) {
  document.step = std::make_shared<const PlannedStep>(std::move(subject));
  document.picture = picture_of(document);
  return std::make_shared<const Document>(std::move(document));
}

Result<DocumentPointer> open_job(const std::string& path, const Job& job, const PictureOptions& options) {
  auto subject = planner::subject_of(job);
  if (!subject) return fail(subject.error().code, fmt::format("{}: {}", path, subject.error().message));
  return planned({.path = path, .options = options}, std::move(*subject));
}

Result<DocumentPointer> open_schedule(const std::string& path, const PictureOptions& options) {
  PIPELOOM_TRY(const std::string csv, proto::read_file(path));
  PIPELOOM_TRY(const Schedule schedule, proto::parse_torch_csv(path, csv));
  const std::string name = path.substr(path.find_last_of('/') + 1);
  auto subject = planner::subject_of_schedule(name, schedule);
  if (!subject) return fail(subject.error().code, fmt::format("{}: {}", path, subject.error().message));
  return planned({.path = path, .options = options}, std::move(*subject));
}

Result<DocumentPointer> shown_trace(const std::string& path, TracePictureBuilder builder,
                                    const PictureOptions& options) {
  if (builder.spans() == 0) return invalid(fmt::format("{} is a trace without tasks", path));
  Document document{.path = path, .options = options};
  document.picture = std::make_shared<const Picture>(std::move(builder).build(nullptr));
  return std::make_shared<const Document>(std::move(document));
}

// What PyTorch's profiler saw, kernel by kernel.
Result<DocumentPointer> open_run(const std::string& path, const PictureOptions& options) {
  PIPELOOM_TRY(const ProfiledRun run, proto::read_kineto(path));
  planner::KernelTrace kernels = planner::kernel_trace(run);
  TracePictureBuilder builder(kernels.trace.name);
  builder.add(kernels.trace.spans);
  PIPELOOM_TRY(const DocumentPointer shown, shown_trace(path, std::move(builder), options));
  std::vector<std::string> names;
  for (const std::string& full : run.names) {
    const std::string name = planner::short_kernel_name(full);
    const size_t space = name.rfind("::");
    names.push_back(space == std::string::npos ? name : name.substr(space + 2));
  }
  auto picture = std::make_shared<Picture>(*shown->picture);
  const bool has_passes = !run.ranges.empty();
  picture->label = [names = std::move(names), of_task = std::move(kernels.names), has_passes, passes = picture->label](
                       const Picture& all, const PictureLane& lane, const LaneSpan& span, bool lower) {
    const bool is_pass = has_passes && lane.role == LaneRole::kPasses;
    return is_pass ? passes(all, lane, span, lower) : names[of_task[span.item]];
  };
  Document document = *shown;
  document.picture = std::move(picture);
  return std::make_shared<const Document>(std::move(document));
}

Result<DocumentPointer> open_trace(const std::string& path, const PictureOptions& options) {
  PIPELOOM_TRY(proto::TraceReader reader, proto::TraceReader::open(path));
  TracePictureBuilder builder(reader.name());
  for (;;) {
    PIPELOOM_TRY(const std::vector<Span> spans, reader.next());
    if (spans.empty()) break;
    builder.add(spans);
  }
  return shown_trace(path, std::move(builder), options);
}

// Our own trace, or a run that PyTorch's profiler saw, as a trace of the plan.
Result<Trace> read_any_trace(const std::string& path, const Plan& plan) {
  if (!proto::is_kineto_file(path)) return proto::read_trace(path);
  PIPELOOM_TRY(const ProfiledRun run, proto::read_kineto(path));
  auto trace = planner::trace_of_run(plan, run, planner::KernelWork::kMeasured);
  if (!trace) return fail(trace.error().code, fmt::format("{}: {}", path, trace.error().message));
  return trace;
}

}  // namespace

std::string Document::name() const {
  if (!path.empty()) return path.substr(path.find_last_of('/') + 1);
  return picture ? picture->title : "";
}

Result<DocumentPointer> open_document(const std::string& path, const PictureOptions& options) {
  if (proto::is_kineto_file(path)) return open_run(path, options);
  if (is_job_path(path)) {
    PIPELOOM_TRY(const Job job, proto::read_job(path));
    return open_job(path, job, options);
  }
  if (path.ends_with(".csv")) return open_schedule(path, options);
  if (is_trace_file(path)) return open_trace(path, options);
  if (path.ends_with(".sh") || path.ends_with(".txt") || path.ends_with(".args")) {
    return unsupported(fmt::format(
        "{0}: of a launch of Megatron-LM make a job first, which says on which GPUs: pipeloom import {0} --gpu H100 -o "
        "mine.txtpb",
        path));
  }
  PIPELOOM_TRY(Plan plan, proto::read_plan(path));
  auto subject = planner::subject_of(std::move(plan));
  if (!subject) return fail(subject.error().code, fmt::format("{}: {}", path, subject.error().message));
  return planned({.path = path, .is_plan_file = true, .options = options}, std::move(*subject));
}

Result<DocumentPointer> open_sample(const std::string& path, const PictureOptions& options) {
  PIPELOOM_TRY(const Job job, proto::read_embedded_job(path));
  PIPELOOM_TRY(const DocumentPointer document, open_job(path, job, options));
  Document sample = *document;
  sample.path.clear();
  return std::make_shared<const Document>(std::move(sample));
}

DocumentPointer with_subject(const Document& document, planner::Subject subject) {
  // What a trace says of the old plan does not hold for the new one.
  return planned({.path = document.path, .is_plan_file = document.is_plan_file, .options = document.options},
                 std::move(subject));
}

DocumentPointer with_options(const Document& document, const PictureOptions& options) {
  Document changed = document;
  changed.options = options;
  if (changed.step) changed.picture = picture_of(changed);
  return std::make_shared<const Document>(std::move(changed));
}

Result<DocumentPointer> with_trace(const Document& document, const std::string& trace_path) {
  if (!document.step) return invalid("a trace is laid over a plan; this is a trace itself");
  const Plan plan = planner::plan_of(document.step->subject);
  PIPELOOM_TRY(Trace trace, read_any_trace(trace_path, plan));
  auto compared = planner::diff(plan, trace);
  if (!compared) return fail(compared.error().code, fmt::format("{}: {}", trace_path, compared.error().message));
  Document changed = document;
  changed.trace = std::make_shared<const Trace>(std::move(trace));
  changed.diff = std::make_shared<const planner::PlanDiff>(std::move(*compared));
  changed.picture = picture_of(changed);
  return std::make_shared<const Document>(std::move(changed));
}

DocumentPointer saved_as(const Document& document, const std::string& path) {
  Document saved = document;
  saved.path = path;
  saved.is_plan_file = true;
  return std::make_shared<const Document>(std::move(saved));
}

std::vector<Sample> samples() {
  std::vector<Sample> found;
  for (const proto::EmbeddedFile& file : proto::embedded_files()) {
    const std::string path(file.path);
    if (!path.starts_with("samples/") || !path.ends_with(".txtpb") || path.find("published/") != std::string::npos) {
      continue;
    }
    const auto job = proto::read_embedded_job(path);
    if (!job) continue;
    // The comment that each sample starts with, up to its first full stop.
    std::string summary;
    for (size_t begin = 0; begin < file.content.size() && file.content[begin] == '#';) {
      const size_t end = std::min(file.content.find('\n', begin), file.content.size());
      summary += std::string(file.content.substr(begin + 1, end - begin - 1));
      begin = end + 1;
    }
    if (const size_t stop = summary.find(". "); stop != std::string::npos) summary.resize(stop + 1);
    if (!summary.empty() && summary.front() == ' ') summary.erase(0, 1);
    found.push_back({path, job->name, summary});
  }
  return found;
}

}  // namespace pipeloom::gui
