// Opening files of all kinds, good and broken; the start page; unsaved changes; a window that stays responsive.
#include "tests/gui/window.h"

#include <gtest/gtest.h>

#include <QAbstractButton>
#include <QAbstractItemModelTester>
#include <QDeadlineTimer>
#include <QElapsedTimer>
#include <QMessageBox>
#include <QSlider>
#include <QTableView>
#include <QTimer>
#include <ctime>

#include "planner/app/plan_settings.h"
#include "planner/app/sample_jobs.h"
#include "proto/base/files.h"
#include "proto/plan/plan_io.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::gui {
namespace {

using tests::TestWindow;

void answer_unsaved(QMessageBox::StandardButton answer) {
  QTimer::singleShot(50, [answer] {
    auto* box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget());
    ASSERT_NE(box, nullptr) << "nobody asked";
    box->button(answer)->click();
  });
}

TEST(StartPage, OpensASampleInOneClick) {
  tests::TestWindow window;
  EXPECT_TRUE(window->shows_start_page());
  auto* card = window->findChild<QAbstractButton*>("samples/deepseek-v3.txtpb");
  ASSERT_NE(card, nullptr);
  QTest::mouseClick(card, Qt::LeftButton);
  window.wait_until_idle();
  EXPECT_FALSE(window->shows_start_page());
  EXPECT_EQ(window.document().step->subject.schedule_name, "dualpipe");
  EXPECT_EQ(window.document().picture->ranks.size(), 16u);
  EXPECT_TRUE(window->message().isEmpty());
}

TEST(StartPage, EverySampleOpens) {
  tests::TestWindow window;
  ASSERT_GE(planner::sample_jobs().size(), 5u);
  for (const planner::SampleJob& sample : planner::sample_jobs()) {
    window.open_sample(sample.path.c_str());
    EXPECT_TRUE(window->message().isEmpty()) << sample.path << ": " << window->message().toStdString();
    EXPECT_FALSE(sample.summary.empty()) << sample.path;
  }
}

TEST(StartPage, RemembersFiles) {
  const tests::TempFolder folder;
  const std::string plan = tests::plan_file(folder.path("kept.plan"), "1f1b", 2, 4);
  tests::TestWindow window;
  window.open({QString::fromStdString(plan)});
  tests::TestWindow later;
  bool listed = false;
  for (const auto* button : later->start_page().findChildren<QAbstractButton*>()) {
    listed = listed || button->text().contains("kept.plan");
  }
  EXPECT_TRUE(listed);
}

class BrokenFiles : public testing::TestWithParam<const char*> {};

TEST_P(BrokenFiles, GiveAMessageAndLeaveTheWindowUsable) {
  const tests::TempFolder folder;
  const std::string plan = tests::plan_file(folder.path("good.plan"), "1f1b", 4, 8);
  const std::string trace = tests::trace_file(plan, folder.path("good.trace"));
  const std::string kind = GetParam();
  std::string path = folder.path("missing.plan");
  const auto cut = [&](const std::string& from, const char* name) {
    const std::string content = tests::content_of(from);
    return folder.file(name, content.substr(0, content.size() / 2));
  };
  if (kind == "truncated plan") path = cut(plan, "cut.plan");
  if (kind == "truncated trace") path = cut(trace, "cut.trace");
  if (kind == "noise") path = folder.file("noise.plan", std::string(5000, '\x07'));
  if (kind == "empty") path = folder.file("empty.plan", "");
  if (kind == "job with a mistake")
    path = folder.file("job.txtpb", "layout { pipeline: 0 }\ncosts { f_ms: 1 }\nmicro_batches: 4\n");
  if (kind == "json that is none") path = folder.file("job.json", "{");
  if (kind == "folder") path = folder.path("");
  tests::TestWindow window;
  window.open({QString::fromStdString(plan)});
  window.open({QString::fromStdString(path)});
  EXPECT_FALSE(window->message().isEmpty());
  EXPECT_EQ(window.document().name(), "good.plan");  // what was there stays
  window.press(Act::kZoomIn);
  EXPECT_LT(window.timeline().frame().window.length_ns(), static_cast<double>(window.timeline().frame().length_ns()));
  window.open({QString::fromStdString(plan)});
  EXPECT_TRUE(window->message().isEmpty());
}
INSTANTIATE_TEST_SUITE_P(All, BrokenFiles,
                         testing::Values("missing", "truncated plan", "truncated trace", "noise", "empty",
                                         "job with a mistake", "json that is none", "folder"));

TEST(Window, AsksBeforeItClosesWithUnsavedChanges) {
  const tests::TempFolder folder;
  tests::TestWindow window;
  window.open({QString::fromStdString(tests::plan_file(folder.path("a.plan"), "1f1b", 4, 8))});
  window->session().edit("more micro-batches", [](const planner::Subject& subject) {
    planner::PlanSettings settings = planner::settings_of(subject);
    settings.micro_batches = 12;
    return planner::with_settings(subject, settings);
  });
  window.wait_until_idle();
  EXPECT_EQ(window.document().schedule()->micro_batches(), 12);
  answer_unsaved(QMessageBox::Cancel);
  window->close();
  EXPECT_TRUE(window->isVisible());
  answer_unsaved(QMessageBox::Save);
  window->close();
  window.wait_until_idle();
  EXPECT_FALSE(window->session().has_unsaved_changes());
  const auto saved = proto::read_plan(folder.path("a.plan"));
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->schedule.micro_batches(), 12);
  window->close();
  EXPECT_FALSE(window->isVisible());
}

TEST(Window, LaysATraceOverItsPlan) {
  const tests::TempFolder folder;
  const std::string plan = tests::plan_file(folder.path("a.plan"), "1f1b", 4, 8);
  tests::TestWindow window;
  window.open({QString::fromStdString(plan)});
  window->session().lay_trace_over(QString::fromStdString(tests::trace_file(plan, folder.path("a.trace"))));
  window.wait_until_idle();
  const PictureLane* executed = window.document().picture->ranks[1].lane(LaneRole::kExecuted);
  ASSERT_NE(executed, nullptr);
  for (const LaneSpan& span : executed->spans) {
    if (span.end_ns == span.begin_ns) continue;
    EXPECT_EQ(span.upper, kLookRatio0 + 4) << "a tenth longer";
  }
  EXPECT_GT(window->tables().model(TablesPanel::kErrors).rowCount(), 1);
  EXPECT_TRUE(window->tables().isTabVisible(TablesPanel::kErrors));
}

TEST(Window, RefusesATraceOfAnotherPlan) {
  const tests::TempFolder folder;
  const std::string plan = tests::plan_file(folder.path("a.plan"), "1f1b", 4, 8);
  const std::string other = tests::plan_file(folder.path("b.plan"), "zb-h1", 4, 8);
  tests::TestWindow window;
  window.open({QString::fromStdString(plan)});
  window->session().lay_trace_over(QString::fromStdString(tests::trace_file(other, folder.path("b.trace"))));
  window.wait_until_idle();
  EXPECT_TRUE(window->message().contains("another plan"));
}

TEST(Window, OpensATraceAlone) {
  const tests::TempFolder folder;
  const std::string plan = tests::plan_file(folder.path("a.plan"), "dualpipe", 4, 8);
  tests::TestWindow window;
  window.open({QString::fromStdString(tests::trace_file(plan, folder.path("a.trace")))});
  EXPECT_TRUE(window->message().isEmpty());
  EXPECT_EQ(window.document().picture->ranks.size(), 4u);
  EXPECT_FALSE(window->action(Act::kImprove).isEnabled());
  window.press(Act::kNextSpan);
  EXPECT_TRUE(window.timeline().selection());
}

// What this thread has computed: others on a busy machine do not count.
double thread_ms() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

// Handles events until `done`, and says how long the window's thread computed on one of them at worst.
double longest_event_ms(const std::function<bool()>& done) {
  QElapsedTimer clock;
  clock.start();
  double worst = 0;
  while (!done() && clock.elapsed() < 60'000) {
    const double before = thread_ms();
    // One event of the queue at a time.
    QCoreApplication::processEvents(QEventLoop::AllEvents, 0);
    worst = std::max(worst, thread_ms() - before);
    QTest::qSleep(1);
  }
  return worst;
}

TEST(Window, AnswersTheSliderWithNewPlans) {
  tests::TestWindow window;
  window.open_sample("samples/deepseek-v3.txtpb");
  QTest::qWait(1500);  // the curve
  auto* slider = window->findChild<QSlider*>("comm_sms");
  ASSERT_TRUE(slider);
  EXPECT_GT(window->plan_panel().curve().points().size(), 20u);
  const int64_t before_ns = window.document().step->subject.evaluation.end.step_ns;
  for (const int sms : {19, 18, 17, 16, 15, 14, 13, 12, 11, 10}) slider->setValue(sms);
  longest_event_ms([&] { return !window->session().busy(); });
  EXPECT_EQ(window.document().step->subject.job.cluster->comm_sms, 10);
  EXPECT_LT(window.document().step->subject.evaluation.end.step_ns, before_ns);
  EXPECT_EQ(window->session().undo_stack().count(), 1);  // stale results are dropped, the rest is one change
  window->session().undo_stack().setClean();
}

TEST(Window, IsNeverBusyForLong) {
  tests::TestWindow window;
  window.timeline().setFocus();
  window->session().open_sample("samples/deepseek-v3.txtpb");
  const double opening = longest_event_ms([&] { return !window->session().busy() && window->session().document(); });
  EXPECT_LT(opening, 50) << "opening";
  longest_event_ms([&, end = QDeadlineTimer(1500)] { return end.hasExpired(); });
  window->findChild<QSlider*>("comm_sms")->setValue(12);
  const double sliding = longest_event_ms([&] { return !window->session().busy(); });
  EXPECT_LT(sliding, 50) << "the slider";
  window->perform(Act::kColourBy);
  const double colouring = longest_event_ms([&, end = QDeadlineTimer(500)] { return end.hasExpired(); });
  EXPECT_LT(colouring, 50) << "another colouring";
  window->session().undo_stack().setClean();
  RecordProperty("longest_ms", QString::number(std::max({opening, sliding, colouring})).toStdString());
}

TEST(Tables, AreProperModelsAndSelectWhatTheyShow) {
  const tests::TempFolder folder;
  tests::TestWindow window;
  window.open({QString::fromStdString(tests::plan_file(folder.path("a.plan"), "1f1b", 4, 8)),
               QString::fromStdString(tests::plan_file(folder.path("b.plan"), "gpipe", 4, 8))});
  QTest::qWait(300);
  for (int table = 0; table < TablesPanel::kTables; ++table) {
    FactsModel& model = window->tables().model(static_cast<TablesPanel::Table>(table));
    const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
    for (int row = 0; row < model.rowCount(); ++row) {
      for (int column = 0; column < model.columnCount(); ++column) {
        EXPECT_TRUE(model.data(model.index(row, column)).isValid());
      }
    }
  }
  EXPECT_EQ(window->tables().model(TablesPanel::kPasses).rowCount(), 4 * 8 * 2);
  EXPECT_GT(window->tables().model(TablesPanel::kSchedules).rowCount(), 10);
  QTableView& passes = window->tables().view(TablesPanel::kPasses);
  window->tables().setCurrentIndex(TablesPanel::kPasses);
  passes.setFocus();
  passes.setCurrentIndex(passes.model()->index(3, 0));
  QTest::keyClick(&passes, Qt::Key_Down);
  ASSERT_TRUE(window.timeline().selection());
  EXPECT_EQ(slot_of(window.document(), *window.timeline().selection()), 4u);
  // A rank's idle time is the sum of its causes.
  FactsModel& ranks = window->tables().model(TablesPanel::kRanks);
  for (int rank = 0; rank < 4; ++rank) {
    double causes = 0;
    double idle = 0;
    for (int column = 0; column < ranks.columnCount(); ++column) {
      const QString name = ranks.headerData(column, Qt::Horizontal).toString();
      const double value = ranks.data(ranks.index(rank, column), FactsModel::kSortRole).toDouble();
      if (name == "idle") idle = value;
      for (int cause = 0; cause < kIdleCauses; ++cause) {
        if (name == idle_cause_name(static_cast<IdleCause>(cause))) causes += value;
      }
    }
    EXPECT_GT(idle, 0);
    EXPECT_EQ(idle, causes);
  }
}

}  // namespace
}  // namespace pipeloom::gui
