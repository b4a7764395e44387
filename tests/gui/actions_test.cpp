// Every row of the action table, driven by its key, changes what it says it does. A new action without a check here
// fails.
#include "gui/models/actions.h"

#include <gtest/gtest.h>

#include <QDockWidget>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QInputDialog>
#include <QLineEdit>
#include <QTimer>
#include <functional>
#include <map>
#include <set>

#include "gui/panels/help_dialog.h"
#include "tests/gui/window.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::gui {
namespace {

using tests::TestWindow;

// Runs `what` on the dialog of this type that opens next, and closes it if that did not.
template <typename Dialog>
void when_open(std::function<void(Dialog&)> what) {
  auto* timer = new QTimer;
  timer->setInterval(10);
  QObject::connect(timer, &QTimer::timeout, timer, [timer, what] {
    auto* dialog = qobject_cast<Dialog*>(QApplication::activeModalWidget());
    if (dialog == nullptr) return;
    timer->deleteLater();
    timer->stop();
    what(*dialog);
    if (dialog->isVisible()) dialog->reject();
  });
  timer->start();
}

void choose_file(const std::string& path) {
  when_open<QFileDialog>([path](QFileDialog& dialog) {
    // selectFile() leaves a name field that has the focus empty.
    dialog.findChild<QLineEdit*>("fileNameEdit")->setText(QString::fromStdString(path));
    // A dialog that has not read its folder yet accepts nothing.
    const auto accepted = [&] {
      QMetaObject::invokeMethod(&dialog, "accept");
      return !dialog.isVisible();
    };
    EXPECT_TRUE(QTest::qWaitFor(accepted, 10'000)) << path;
  });
}

// Waits for what the window does on its own time, such as painting anew.
template <typename Condition>
bool comes_true(Condition condition) {
  return QTest::qWaitFor(condition, 60'000);
}

class Actions : public testing::Test {
 protected:
  Actions() {
    plan_ = tests::plan_file(folder_.path("first.plan"), "dualpipe", 4, 8);
    other_ = tests::plan_file(folder_.path("second.plan"), "1f1b", 4, 8);
    window_.open({QString::fromStdString(plan_)});
    window_.timeline().setFocus();
  }
  TimelineView& view() { return window_.timeline(); }
  const TimeWindow& shown() { return view().frame().window; }
  bool selected(Selection::Kind kind) { return view().selection() && view().selection()->kind == kind; }
  void select_slot(uint32_t slot) { view().select(selection_of_slot(window_.document(), 0, slot), true); }

  const tests::TempFolder folder_;
  std::string plan_;
  std::string other_;
  tests::TestWindow window_;
};

TEST_F(Actions, ZoomAndPan) {
  const TimeWindow whole = shown();
  window_.press(Act::kZoomIn);
  EXPECT_NEAR(shown().length_ns(), whole.length_ns() / 2, 1);
  const TimeWindow half = shown();
  window_.press(Act::kPanRight);
  EXPECT_NEAR(shown().begin_ns, half.begin_ns + 0.2 * half.length_ns(), 1);
  window_.press(Act::kPanLeft);
  EXPECT_NEAR(shown().begin_ns, half.begin_ns, 1);
  window_.press(Act::kZoomOut);
  EXPECT_EQ(shown(), whole);
  window_.press(Act::kZoomBack);
  EXPECT_NEAR(shown().length_ns(), whole.length_ns() / 2, 1);
  window_.press(Act::kFit);
  EXPECT_EQ(shown(), whole);
  select_slot(3);
  window_.press(Act::kFocus);
  const LaneSpan& span = view().selection()->span;
  EXPECT_LT(shown().length_ns(), 5.0 * static_cast<double>(span.end_ns - span.begin_ns));
  EXPECT_LT(shown().begin_ns, static_cast<double>(span.begin_ns));
}

TEST_F(Actions, WalkOverTheLanes) {
  window_.press(Act::kNextSpan);
  ASSERT_TRUE(view().selection());
  const int64_t first_ns = view().selection()->span.begin_ns;
  window_.press(Act::kNextSpan);
  EXPECT_GT(view().selection()->span.begin_ns, first_ns);
  window_.press(Act::kPreviousSpan);
  EXPECT_EQ(view().selection()->span.begin_ns, first_ns);
  const int rank = view().selection()->rank;
  for (int i = 0; i < 3 && view().selection()->rank == rank; ++i) window_.press(Act::kRankBelow);
  EXPECT_EQ(view().selection()->rank, rank + 1);
  for (int i = 0; i < 3 && view().selection()->rank != rank; ++i) window_.press(Act::kRankAbove);
  EXPECT_EQ(view().selection()->rank, rank);
}

TEST_F(Actions, WalkToCausesAndBack) {
  window_.press(Act::kNextBubble);
  ASSERT_TRUE(selected(Selection::Kind::kIdle));
  const auto& why = window_.document().step->why;
  EXPECT_EQ(why.idle()[view().selection()->span.item].duration_ns(), why.largest_idle(1)[0].duration_ns());
  // A bubble that waits for a task leads to it.
  for (size_t i = 0; i < why.idle().size(); ++i) {
    if (why.idle()[view().selection()->span.item].waits_for != IdleInterval::kNoSlot) break;
    window_.press(Act::kNextBubble);
  }
  const IdleInterval idle = why.idle()[view().selection()->span.item];
  ASSERT_NE(idle.waits_for, IdleInterval::kNoSlot);
  window_.press(Act::kCause);
  EXPECT_EQ(slot_of(window_.document(), *view().selection()), idle.waits_for);
  const auto before = *view().selection();
  window_.press(Act::kEffect);
  EXPECT_FALSE(*view().selection() == before);
}

TEST_F(Actions, FindTheFullestMoment) {
  select_slot(window_.document().schedule()->first_slot(2));
  window_.press(Act::kPeak);
  ASSERT_TRUE(selected(Selection::Kind::kMemory));
  EXPECT_EQ(view().selection()->rank, 2);
  EXPECT_EQ(view().selection()->span.begin_ns, window_.document().picture->ranks[2].memory->peak_ns);
  EXPECT_TRUE(window_->selection_panel().text().contains("alive, stage"));
}

TEST_F(Actions, SearchAndWalkOverTheHits) {
  window_.press(Act::kSearch);
  EXPECT_TRUE(window_->search_field().hasFocus());
  QTest::keyClicks(&window_->search_field(), "F3");
  ASSERT_TRUE(QTest::qWaitFor([this] { return !view().frame().hits_ns.empty(); }, 5000));
  EXPECT_EQ(view().frame().hits_ns.size(), 4u);  // on four stages
  window_->timeline().setFocus();
  window_.press(Act::kNextHit);
  const Selection first = *view().selection();
  window_.press(Act::kNextHit);
  EXPECT_FALSE(*view().selection() == first);
  window_.press(Act::kPreviousHit);
  EXPECT_TRUE(*view().selection() == first);
}

TEST_F(Actions, MarkTimes) {
  window_.press(Act::kMark);
  ASSERT_EQ(view().frame().marks.size(), 1u);
  when_open<QInputDialog>([](QInputDialog& dialog) {
    dialog.setTextValue("here");
    dialog.accept();
  });
  window_.press(Act::kNamedMark);
  ASSERT_EQ(view().frame().marks.size(), 2u);
  EXPECT_EQ(view().frame().marks[1].text, "here");
  // Named marks are kept beside the plan.
  tests::TestWindow again;
  again.open({QString::fromStdString(plan_)});
  ASSERT_TRUE(QTest::qWaitFor([&] { return again.timeline().frame().marks.size() == 1; }, 5000));
  EXPECT_EQ(again.timeline().frame().marks[0].text, "here");
  window_.press(Act::kClearMarks);
  EXPECT_TRUE(view().frame().marks.empty());
}

TEST_F(Actions, MarksThatCannotBeReadAreNotOverwritten) {
  const std::string marks = folder_.file("second.plan.marks", "[{\"time_ns\": 4,");
  window_.open({QString::fromStdString(other_)});
  ASSERT_TRUE(QTest::qWaitFor([this] { return window_->message().contains("no list of marks"); }, 5000));
  when_open<QInputDialog>([](QInputDialog& dialog) {
    dialog.setTextValue("here");
    dialog.accept();
  });
  window_.press(Act::kNamedMark);
  EXPECT_EQ(view().frame().marks.size(), 1u);
  EXPECT_TRUE(window_->message().contains("not kept"));
  EXPECT_EQ(tests::content_of(marks), "[{\"time_ns\": 4,");
}

TEST_F(Actions, ShowAndHideLanes) {
  for (const auto& [act, role] :
       {std::pair(Act::kComponents, LaneRole::kComponents), std::pair(Act::kCommunication, LaneRole::kCommunication),
        std::pair(Act::kTransfers, LaneRole::kTransfers)}) {
    const bool shown = view().row_options().shows(role);
    window_.press(act);
    EXPECT_NE(view().row_options().shows(role), shown) << action_row(act).name;
    EXPECT_EQ(window_->action(act).isChecked(), !shown) << action_row(act).name;
  }
  const bool memory = view().frame().rows.has_memory;
  window_.press(Act::kMemory);
  EXPECT_NE(view().frame().rows.has_memory, memory);
}

TEST_F(Actions, FadeWhatIsNotCritical) {
  const auto faded = [this] {
    size_t count = 0;
    for (const RankPicture& rank : window_.document().picture->ranks) {
      for (const LaneSpan& span : rank.lane(LaneRole::kPasses)->spans) count += span.upper >= kFaded ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(faded(), 0u);
  window_.press(Act::kCriticalPath);
  const size_t slots = window_.document().schedule()->slots().size();
  EXPECT_TRUE(comes_true([&] { return faded() == slots - window_.document().step->why.path().size(); }));
  window_.press(Act::kCriticalPath);
  EXPECT_TRUE(comes_true([&] { return faded() == 0; }));
}

TEST_F(Actions, ColourInTurn) {
  for (const ColourBy colour : {ColourBy::kMicroBatch, ColourBy::kStage, ColourBy::kSlack, ColourBy::kKind}) {
    window_.press(Act::kColourBy);
    EXPECT_TRUE(comes_true([&] { return window_.document().options.colour == colour; })) << colour_by_name(colour);
  }
}

TEST_F(Actions, DarkAndLight) {
  const QRgb light = window_.picture().pixel(300, 20);
  window_.press(Act::kDark);
  const QRgb dark = window_.picture().pixel(300, 20);
  EXPECT_GT(qGray(light), 200);
  EXPECT_LT(qGray(dark), 60);
  window_.press(Act::kDark);
  EXPECT_EQ(window_.picture().pixel(300, 20), light);
}

TEST_F(Actions, ShowAndHidePanels) {
  for (const auto& [act, name] : {std::pair(Act::kTablesPanel, "tables_dock"), std::pair(Act::kPlanPanel, "plan_dock"),
                                  std::pair(Act::kSelectionPanel, "selection_dock")}) {
    auto* panel = window_->findChild<QDockWidget*>(name);
    // Qt keeps a panel behind another tab outside of the window.
    const auto shown = [&] { return panel->isVisible() && panel->geometry().intersects(window_->rect()); };
    const bool before = shown();
    window_.press(act);
    QTest::qWait(20);
    EXPECT_NE(shown(), before) << name;
  }
}

TEST_F(Actions, CompareAndNormalise) {
  EXPECT_FALSE(window_->action(Act::kNormalise).isEnabled());
  choose_file(other_);
  window_.press(Act::kAddToComparison);
  window_.wait_until_idle();
  ASSERT_EQ(view().frame().pictures.size(), 2u);
  EXPECT_EQ(view().frame().rows.titles.size(), 2u);
  EXPECT_EQ(window_->tables().model(TablesPanel::kComparison).rowCount(), 2);
  EXPECT_EQ(window_->tables().model(TablesPanel::kDifferences).rowCount(), 4);
  const double end = view().frame().window_of(1).end_ns;
  window_.press(Act::kNormalise);
  EXPECT_NE(view().frame().window_of(0).end_ns, view().frame().window_of(1).end_ns);
  window_.press(Act::kNormalise);
  EXPECT_EQ(view().frame().window_of(1).end_ns, end);
}

TEST_F(Actions, OpenSaveExportAndClose) {
  choose_file(other_);
  window_.press(Act::kOpen);
  window_.wait_until_idle();
  EXPECT_EQ(window_.document().name(), "second.plan");
  choose_file(folder_.path("third.plan"));
  window_.press(Act::kSaveAs);
  window_.wait_until_idle();
  EXPECT_EQ(window_.document().path, folder_.path("third.plan"));
  EXPECT_EQ(tests::content_of(folder_.path("third.plan")), tests::content_of(other_));
  window_.press(Act::kSave);  // to the same file, without a question
  window_.wait_until_idle();
  EXPECT_EQ(window_.document().path, folder_.path("third.plan"));
  for (const char* name : {"picture.png", "picture.svg"}) {
    choose_file(folder_.path(name));
    window_.press(Act::kExportPicture);
    EXPECT_TRUE(comes_true([&] { return tests::content_of(folder_.path(name)).size() > 1000; })) << name;
  }
  window_.press(Act::kCloseAll);
  EXPECT_TRUE(window_->shows_start_page());
}

TEST_F(Actions, UndoRedoAndImprove) {
  window_.open({QString::fromStdString(other_)});
  const int64_t before_ns = window_.document().step->subject.evaluation.bubble.makespan_ns;
  EXPECT_FALSE(window_->action(Act::kUndo).isEnabled());
  EXPECT_FALSE(window_->action(Act::kStop).isEnabled());
  bool stoppable = false;  // a small search may be over at once
  QObject::connect(&window_->session(), &Session::state_changed, &*window_,
                   [&] { stoppable = stoppable || window_->action(Act::kStop).isEnabled(); });
  window_.press(Act::kImprove);
  QTest::qWait(1500);
  window_.press(Act::kStop);
  window_.wait_until_idle();
  EXPECT_TRUE(stoppable);
  const int64_t after_ns = window_.document().step->subject.evaluation.bubble.makespan_ns;
  EXPECT_LT(after_ns, before_ns);  // 1F1B without split backward is not the best
  EXPECT_TRUE(window_->windowTitle().contains('*'));
  window_.press(Act::kUndo);
  window_.wait_until_idle();
  EXPECT_EQ(window_.document().step->subject.evaluation.bubble.makespan_ns, before_ns);
  window_.press(Act::kRedo);
  window_.wait_until_idle();
  EXPECT_EQ(window_.document().step->subject.evaluation.bubble.makespan_ns, after_ns);
  window_->session().disconnect(&*window_);
  window_->session().undo_stack().setClean();
}

TEST_F(Actions, ImproveStaysWithinTheChunksThatThePanelNames) {
  const auto peak = [this] { return window_.document().step->subject.evaluation.peak_memory(); };
  window_.open({QString::fromStdString(other_)});
  window_.press(Act::kPlanPanel);
  ASSERT_EQ(peak(), 4'000'000);
  auto* chunks = window_->findChild<QDoubleSpinBox*>("activations");
  ASSERT_NE(chunks, nullptr);
  ASSERT_TRUE(chunks->isVisible());
  chunks->setValue(3);
  window_.press(Act::kImprove);
  QTest::qWait(1000);
  window_.press(Act::kStop);
  window_.wait_until_idle();
  EXPECT_LE(peak(), 3'000'000);  // also where that is slower
  chunks->setValue(0);
  window_.press(Act::kImprove);
  QTest::qWait(1000);
  window_.press(Act::kStop);
  window_.wait_until_idle();
  EXPECT_LE(peak(), 3'000'000);  // as much as the plan has
  window_->session().undo_stack().setClean();
}

TEST_F(Actions, HelpAndPalette) {
  QString help;
  when_open<HelpDialog>([&](HelpDialog&) { help = help_html(); });
  window_.press(Act::kHelp);
  for (const ActionRow& row : action_table()) EXPECT_TRUE(help.contains(QString(row.help).toHtmlEscaped())) << row.name;
  const TimeWindow whole = shown();
  when_open<CommandPalette>([](CommandPalette& palette) {
    auto* words = palette.findChild<QLineEdit*>();
    QTest::keyClicks(words, "zoom in");
    QTest::keyClick(words, Qt::Key_Return);
  });
  window_.press(Act::kPalette);
  EXPECT_NEAR(shown().length_ns(), whole.length_ns() / 2, 1);
}

TEST_F(Actions, Quit) {
  window_.press(Act::kQuit);
  EXPECT_FALSE(window_->isVisible());
}

TEST(ActionTable, GivesEachKeyToOneAction) {
  std::set<QString> keys;
  for (const ActionRow& row : action_table()) {
    for (const QString& key : QString(row.keys).split(' ')) {
      EXPECT_TRUE(keys.insert(QKeySequence(key).toString()).second) << row.name << ": " << qPrintable(key);
      EXPECT_FALSE(QKeySequence(key).isEmpty()) << row.name;
    }
    EXPECT_GT(std::string(row.help).size(), 5u) << row.name;
  }
}

}  // namespace
}  // namespace pipeloom::gui
