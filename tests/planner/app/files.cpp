#include "tests/planner/app/files.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "core/tasks/lower.h"
#include "planner/app/choose_subject.h"
#include "planner/app/save_plan.h"
#include "proto/plan/plan_io.h"
#include "proto/trace/trace_io.h"
#include "sim/engine/task_sweep.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::tests {

namespace {

planner::Subject small_subject() {
  planner::SubjectSource source;
  source.changes.schedule = "1f1b";
  source.changes.ranks = 2;
  source.changes.micro_batches = 4;
  return planner::choose_subject(source).value();
}

}  // namespace

std::string plan_bytes() {
  const TempFolder folder;
  EXPECT_TRUE(planner::save_plan(small_subject(), folder.path("a.plan")).has_value());
  return content_of(folder.path("a.plan"));
}

std::string trace_bytes() {
  const TempFolder folder;
  const Plan plan = planner::plan_of(small_subject());
  const TaskGraph graph = lower(plan.schedule, plan.costs);
  const auto times = sim::sweep_tasks(graph);
  Trace trace{"run", plan.task_digest, {}};
  for (size_t i = 0; i < graph.tasks().size(); ++i) {
    const Task& task = graph.tasks()[i];
    trace.spans.push_back({task.key, task.lane, times->start_ns[i], times->start_ns[i] + task.duration_ns});
  }
  EXPECT_TRUE(proto::write_trace(folder.path("a.trace"), trace).has_value());
  return content_of(folder.path("a.trace"));
}

std::string gzipped(const std::string& content) {
  const TempFolder folder;
  const std::string path = folder.path("packed");
  gzFile file = gzopen(path.c_str(), "wb");
  EXPECT_EQ(gzwrite(file, content.data(), static_cast<unsigned>(content.size())), static_cast<int>(content.size()));
  gzclose(file);
  return content_of(path);
}

}  // namespace pipeloom::tests
