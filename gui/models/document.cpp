#include "gui/models/document.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "gui/timeline/trace_picture.h"
#include "planner/app/executed_trace.h"
#include "planner/app/open_file.h"
#include "planner/app/sample_jobs.h"
#include "planner/interchange/run_streams.h"
#include "planner/interchange/trace_of_run.h"

namespace pipeloom::gui {

namespace {

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

Result<DocumentPointer> shown_trace(const std::string& path, TracePictureBuilder builder,
                                    const PictureOptions& options) {
  if (builder.spans() == 0) return invalid(fmt::format("{} is a trace without tasks", path));
  Document document{.path = path, .options = options};
  document.picture = std::make_shared<const Picture>(std::move(builder).build(nullptr));
  return std::make_shared<const Document>(std::move(document));
}

// Shows what PyTorch's profiler saw, kernel by kernel.
Result<DocumentPointer> shown_run(const std::string& path, const ProfiledRun& run, const PictureOptions& options) {
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

Result<DocumentPointer> shown_spans(const std::string& path, proto::TraceReader reader, const PictureOptions& options) {
  TracePictureBuilder builder(reader.name());
  for (;;) {
    PIPELOOM_TRY(const std::vector<Span> spans, reader.next());
    if (spans.empty()) break;
    builder.add(spans);
  }
  return shown_trace(path, std::move(builder), options);
}

}  // namespace

std::string Document::name() const {
  if (!path.empty()) return std::filesystem::path(path).filename().string();
  return picture ? picture->title : "";
}

Result<DocumentPointer> open_document(const std::string& path, const PictureOptions& options) {
  PIPELOOM_TRY(planner::OpenedFile opened, planner::open_file(path));
  if (auto* reader = std::get_if<proto::TraceReader>(&opened.content)) {
    return shown_spans(path, std::move(*reader), options);
  }
  if (const auto* run = std::get_if<ProfiledRun>(&opened.content)) return shown_run(path, *run, options);
  const bool is_plan_file = opened.kind == planner::FileKind::kPlan;
  return planned({.path = path, .is_plan_file = is_plan_file, .options = options},
                 std::get<planner::Subject>(std::move(opened.content)));
}

Result<std::vector<DocumentPointer>> open_documents(const std::vector<std::string>& paths,
                                                    const PictureOptions& options) {
  std::vector<DocumentPointer> documents;
  for (const std::string& path : paths) {
    PIPELOOM_TRY(DocumentPointer document, open_document(path, options));
    documents.push_back(std::move(document));
  }
  return documents;
}

Result<DocumentPointer> open_sample(const std::string& path, const PictureOptions& options) {
  PIPELOOM_TRY(planner::Subject subject, planner::open_sample_job(path));
  return planned({.options = options}, std::move(subject));
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
  PIPELOOM_TRY(planner::ExecutedTrace executed,
               planner::open_executed_trace(trace_path, plan, planner::KernelWork::kMeasured));
  Document changed = document;
  changed.trace = std::make_shared<const Trace>(std::move(executed.trace));
  changed.diff = std::make_shared<const planner::PlanDiff>(std::move(executed.diff));
  changed.picture = picture_of(changed);
  return std::make_shared<const Document>(std::move(changed));
}

DocumentPointer saved_as(const Document& document, const std::string& path) {
  Document saved = document;
  saved.path = path;
  saved.is_plan_file = true;
  return std::make_shared<const Document>(std::move(saved));
}

}  // namespace pipeloom::gui
