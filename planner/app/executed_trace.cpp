#include "planner/app/executed_trace.h"

#include <filesystem>
#include <utility>

#include "planner/app/kind_of_file.h"
#include "planner/interchange/trace_of_run.h"
#include "proto/base/version.h"
#include "proto/kineto/kineto.h"
#include "proto/trace/trace_io.h"

namespace pipeloom::planner {

namespace {

Result<Trace> trace_of_profile(const std::string& path, const Plan& plan, KernelWork work) {
  PIPELOOM_TRY(const ProfiledRun run, proto::read_kineto(path));
  PIPELOOM_TRY(Trace trace, trace_of_run(plan, run, work).map_error([&](Error error) {
    return proto::in_file(path, std::move(error));
  }));
  trace.name = std::filesystem::path(path).filename().string();
  return trace;
}

}  // namespace

Result<ExecutedTrace> open_executed_trace(const std::string& path, const Plan& plan, KernelWork work) {
  PIPELOOM_TRY(const FileKind kind, kind_of_file(path, {FileKind::kTrace, FileKind::kProfile}));
  PIPELOOM_TRY(Trace trace, kind == FileKind::kProfile ? trace_of_profile(path, plan, work) : proto::read_trace(path));
  PIPELOOM_TRY(PlanDiff compared,
               diff(plan, trace).map_error([&](Error error) { return proto::in_file(path, std::move(error)); }));
  return ExecutedTrace{std::move(trace), std::move(compared)};
}

}  // namespace pipeloom::planner
