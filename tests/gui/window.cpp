#include "tests/gui/window.h"

#include "core/tasks/lower.h"
#include "planner/subject/subject.h"
#include "proto/plan/plan_io.h"
#include "proto/trace/trace_io.h"
#include "sim/engine/task_sweep.h"

namespace pipeloom::tests {

TestWindow::TestWindow(QSize size, bool dark) : window_(std::make_unique<gui::MainWindow>(dark)) {
  window_->resize(size);
  window_->show();
  QTest::qWait(1);
}

void TestWindow::wait_until_idle() {
  QTest::qWait(1);
  const gui::Session& session = window_->session();
  const bool idle =
      QTest::qWaitFor([&] { return !session.busy() && !session.painting() && !session.improving(); }, 60'000);
  if (!idle) qFatal("the window still works after a minute");
  QTest::qWait(20);
}

void TestWindow::open(const QStringList& paths) {
  window_->open(paths);
  wait_until_idle();
}

void TestWindow::open_sample(const char* path) {
  window_->session().open_sample(path);
  wait_until_idle();
}

void TestWindow::press(gui::Act act) {
  // Keys reach the active window only; a dialog or another window may have been that.
  window_->activateWindow();
  if (!QTest::qWaitForWindowActive(window_.get())) qFatal("the window can't be activated");
  const QKeySequence keys = window_->action(act).shortcut();
  QWidget* target = window_->focusWidget() != nullptr ? window_->focusWidget() : window_.get();
  QTest::keySequence(target, keys);
  QTest::qWait(1);
}

void TestWindow::shoot(const QString& name) {
  const QString folder = qEnvironmentVariable("PIPELOOM_SHOTS");
  QTest::qWait(30);
  if (!folder.isEmpty()) picture().save(folder + "/" + name + ".png");
}

std::string plan_file(const std::string& path, const char* schedule, int ranks, int micro_batches) {
  Job job;
  job.layout.pipeline = ranks;
  job.micro_batches = micro_batches;
  job.costs = DirectCosts{{1'000'000}, {1'000'000}, {1'000'000}, {}, 3'000'000};
  job.p2p.receive_depth = 0;
  job.schedule.name = schedule;
  const auto made = make_job(job);
  if (!made) qFatal("%s", made.error().message.c_str());
  const auto subject = planner::subject_of(*made);
  if (!subject) qFatal("%s", subject.error().message.c_str());
  if (const Status written = proto::write_plan(path, planner::plan_of(*subject)); !written)
    qFatal("%s", written.error().message.c_str());
  return path;
}

std::string trace_file(const std::string& plan_path, const std::string& path) {
  const auto plan = proto::read_plan(plan_path);
  if (!plan) qFatal("%s", plan.error().message.c_str());
  const TaskGraph graph = lower(plan->schedule, plan->costs);
  const auto times = sim::sweep_tasks(graph);
  Trace trace{"run", plan->task_digest, {}};
  for (size_t i = 0; i < graph.tasks().size(); ++i) {
    const Task& task = graph.tasks()[i];
    const int64_t begin_ns = times->start_ns[i] * 11 / 10;
    trace.spans.push_back({task.key, task.lane, begin_ns, begin_ns + task.duration_ns * 11 / 10});
  }
  if (const Status written = proto::write_trace(path, trace); !written) qFatal("%s", written.error().message.c_str());
  return path;
}

}  // namespace pipeloom::tests
