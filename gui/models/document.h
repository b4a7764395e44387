#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/tasks/trace.h"
#include "gui/timeline/plan_picture.h"
#include "planner/diff/diff.h"
#include "planner/subject/explanation.h"
#include "planner/subject/subject.h"

namespace pipeloom::gui {

// A subject with what follows from it. Immutable, shared by documents that show it in different colours.
struct PlannedStep {
  planner::Subject subject;
  planner::Explanation why;

  explicit PlannedStep(planner::Subject given) : subject(std::move(given)), why(subject) {}
  PlannedStep(const PlannedStep&) = delete;
};

// A job, a plan or a trace as it is shown, or a plan with its trace. Immutable: every change is a new document. Made by
// the functions below, which may run on any thread.
struct Document {
  std::string path = {};                               // of the file; empty: a sample, or not saved yet
  bool is_plan_file = false;                           // saving goes to `path`
  std::shared_ptr<const PlannedStep> step = {};        // null: a trace alone
  std::shared_ptr<const Trace> trace = {};             // null: a plan alone
  std::shared_ptr<const planner::PlanDiff> diff = {};  // of plan and trace
  PictureOptions options = {};
  std::shared_ptr<const Picture> picture = {};

  std::string name() const;  // of the file, or of the job
  const Schedule* schedule() const { return step ? &step->subject.evaluation.schedule : nullptr; }
  // Whether two documents say the same about the step.
  bool same_plan(const Document& other) const { return step == other.step && trace == other.trace; }
};
using DocumentPointer = std::shared_ptr<const Document>;

// Shows what planner::open_file opens; its errors are those of the command.
Result<DocumentPointer> open_document(const std::string& path, const PictureOptions& options);
// All of them, or the error of the first that can't be opened.
Result<std::vector<DocumentPointer>> open_documents(const std::vector<std::string>& paths,
                                                    const PictureOptions& options);
// Shows a job that the program carries inside (planner::sample_jobs).
Result<DocumentPointer> open_sample(const std::string& path, const PictureOptions& options);
// The same file with another step.
DocumentPointer with_subject(const Document& document, planner::Subject subject);
DocumentPointer with_options(const Document& document, const PictureOptions& options);
// A trace, or a profiled run whose ranges name the plan's slots. Fails where it is of another plan.
Result<DocumentPointer> with_trace(const Document& document, const std::string& trace_path);
// The document as it is after its plan was written to `path`.
DocumentPointer saved_as(const Document& document, const std::string& path);

}  // namespace pipeloom::gui
