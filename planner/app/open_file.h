#pragma once

#include <string>
#include <variant>

#include "core/base/result.h"
#include "core/tasks/profiled_run.h"
#include "planner/app/file_kind.h"
#include "planner/subject/subject.h"
#include "proto/trace/trace_io.h"

namespace pipeloom::planner {

// What a file holds that can be looked at: a job, plan or schedule is a subject.
struct OpenedFile {
  FileKind kind = FileKind::kJob;
  std::variant<Subject, proto::TraceReader, ProfiledRun> content;
};

// Opens a file of kOpenedKinds. A job without a schedule gets the best one that fits.
Result<OpenedFile> open_file(const std::string& path);

}  // namespace pipeloom::planner
