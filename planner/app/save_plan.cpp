#include "planner/app/save_plan.h"

#include <fmt/format.h>

#include "core/base/units.h"
#include "planner/app/file_kind.h"
#include "proto/plan/plan_io.h"

namespace pipeloom::planner {

Status check_plan_path(const std::string& path) {
  if (!has_ending_of(path, FileKind::kJob)) return {};
  return invalid(fmt::format("{}: .json and .txtpb are jobs; name a plan otherwise, such as my.plan", path));
}

Status check_fits(const Subject& subject) {
  if (fits_memory(subject.job, subject.evaluation)) return {};
  return unsupported(fmt::format("{} does not fit the memory: its fullest rank needs {}, a GPU may use {}",
                                 subject.schedule_name, format_bytes(subject.evaluation.peak_memory()),
                                 format_bytes(memory_limit_bytes(subject.job))));
}

Status save_plan(const Subject& subject, const std::string& path) {
  PIPELOOM_RETURN_IF_ERROR(check_plan_path(path));
  PIPELOOM_RETURN_IF_ERROR(check_fits(subject));
  return proto::write_plan(path, plan_of(subject));
}

}  // namespace pipeloom::planner
