#include <QComboBox>
#include <QDockWidget>
#include <QFileDialog>
#include <QInputDialog>
#include <QTabBar>
#include <QUndoStack>

#include "gui/models/marks.h"
#include "gui/panels/export.h"
#include "gui/panels/help_dialog.h"
#include "gui/panels/main_window.h"
#include "planner/app/file_kind.h"

namespace pipeloom::gui {

namespace {

using planner::FileKind;

// What a file dialog offers: names that end as those of these kinds do, or any.
QString filter_of(const char* words, std::initializer_list<FileKind> kinds) {
  QStringList patterns;
  for (const FileKind kind : kinds) {
    for (const std::string_view ending : planner::file_endings(kind)) {
      patterns.append("*" + QString::fromStdString(std::string(ending)));
    }
  }
  patterns.removeDuplicates();
  return QString("%1 (%2);;All files (*)").arg(words, patterns.join(' '));
}

QString open_filter() {
  return filter_of("Jobs, plans, schedules, traces and profiles", planner::kOpenedKinds);
}

// A panel that is hidden, or behind another one's tab, comes to the front; one in front goes away.
void toggle(QMainWindow& window, QDockWidget* panel) {
  // Qt keeps a panel behind another tab outside of the window.
  const bool shown = panel->isVisible() && panel->geometry().intersects(window.rect());
  panel->setVisible(!shown);
  if (shown) return;
  // raise() does nothing where the panel was raised last but another tab was chosen since.
  for (QTabBar* tabs : window.findChildren<QTabBar*>(QString(), Qt::FindDirectChildrenOnly)) {
    for (int i = 0; i < tabs->count(); ++i) {
      if (tabs->tabText(i) == panel->windowTitle()) tabs->setCurrentIndex(i);
    }
  }
}

}  // namespace

// What each action does.
void MainWindow::perform(Act act) {
  switch (act) {
    case Act::kOpen:
      return choose_files_to_open();
    case Act::kAddToComparison:
      return choose_files_to_compare();
    case Act::kLayTraceOver:
      return choose_trace();
    case Act::kSave:
      save(false);
      return;
    case Act::kSaveAs:
      save(true);
      return;
    case Act::kExportPicture:
      return export_picture();
    case Act::kCloseAll:
      if (may_leave()) session_.close_all();
      return;
    case Act::kQuit:
      close();
      return;
    case Act::kUndo:
      return session_.undo_stack().undo();
    case Act::kRedo:
      return session_.undo_stack().redo();
    case Act::kImprove:
      return session_.improve(plan_panel_->activation_cap());
    case Act::kStop:
      return session_.stop();
    case Act::kMoveComponentLeft:
      selection_panel_->slot_view().move_chosen(true);
      return;
    case Act::kMoveComponentRight:
      selection_panel_->slot_view().move_chosen(false);
      return;
    case Act::kZoomIn:
      return timeline_->zoom(0.5);
    case Act::kZoomOut:
      return timeline_->zoom(2);
    case Act::kPanLeft:
      return timeline_->pan(-0.2);
    case Act::kPanRight:
      return timeline_->pan(0.2);
    case Act::kFit:
      return timeline_->fit();
    case Act::kZoomBack:
      return timeline_->zoom_back();
    case Act::kFocus:
      return timeline_->focus_selection();
    case Act::kSearch:
      search_->setFocus();
      search_->selectAll();
      return;
    case Act::kNextHit:
      return walk_hits(1);
    case Act::kPreviousHit:
      return walk_hits(-1);
    case Act::kMark:
      return add_mark(false);
    case Act::kNamedMark:
      return add_mark(true);
    case Act::kClearMarks:
      marks_.clear();
      timeline_->set_marks({});
      return keep_marks();
    case Act::kNextSpan:
      return timeline_->select_next(1);
    case Act::kPreviousSpan:
      return timeline_->select_next(-1);
    case Act::kRankAbove:
      return timeline_->select_lane(-1);
    case Act::kRankBelow:
      return timeline_->select_lane(1);
    case Act::kCause:
      if (const auto& now = timeline_->selection()) select(cause_of(timeline_->document_of(*now), *now));
      return;
    case Act::kEffect:
      if (const auto& now = timeline_->selection()) select(effect_of(timeline_->document_of(*now), *now));
      return;
    case Act::kNextBubble:
      return select_next_bubble();
    case Act::kPeak:
      return select_peak();
    case Act::kCriticalPath:
      return set_picture_options();
    case Act::kColourBy:
      return next_colouring();
    case Act::kComponents:
    case Act::kCommunication:
    case Act::kTransfers:
    case Act::kMemory:
      return toggle_rows(act);
    case Act::kNormalise:
      return timeline_->set_normalised(action(act).isChecked());
    case Act::kDark:
      chose_theme_ = true;
      return set_dark(action(act).isChecked());
    case Act::kSelectionPanel:
      return toggle(*this, selection_dock_);
    case Act::kPlanPanel:
      return toggle(*this, plan_dock_);
    case Act::kTablesPanel:
      return toggle(*this, tables_dock_);
    case Act::kPalette: {
      CommandPalette palette(this);
      std::optional<Act> chosen;
      connect(&palette, &CommandPalette::chosen, this, [&](Act one) { chosen = one; });
      palette.exec();
      if (chosen && action(*chosen).isEnabled()) action(*chosen).trigger();
      return;
    }
    case Act::kHelp:
      HelpDialog(this).exec();
      return;
  }
}

void MainWindow::choose_files_to_open() {
  open(QFileDialog::getOpenFileNames(this, "Open", {}, open_filter()));
}

void MainWindow::choose_files_to_compare() {
  session_.add_to_comparison(QFileDialog::getOpenFileNames(this, "Add to comparison", {}, open_filter()));
}

void MainWindow::choose_trace() {
  const QString path =
      QFileDialog::getOpenFileName(this, "Lay a trace over the plan", {},
                                   filter_of("Traces, profiles of PyTorch", {FileKind::kTrace, FileKind::kProfile}));
  if (!path.isEmpty()) session_.lay_trace_over(path);
}

bool MainWindow::save(bool ask_for_path) {
  const DocumentPointer document = session_.document();
  if (!document) return false;
  QString path = QString::fromStdString(document->path);
  if (ask_for_path || path.isEmpty() || !document->is_plan_file) {
    path = QFileDialog::getSaveFileName(this, "Save plan", "my.plan", filter_of("Plans", {FileKind::kPlan}));
  }
  if (path.isEmpty()) return false;
  session_.save(path);
  return true;
}

void MainWindow::export_picture() {
  const QString path = QFileDialog::getSaveFileName(this, "Export picture", "timeline.png", "Pictures (*.png *.svg)");
  if (path.isEmpty()) return;
  const Frame& frame = timeline_->frame();
  const Status written = write_picture(path, frame, legend_of(frame.pictures, session_.options().colour));
  if (written) {
    work_text_->setText("picture written to " + path);
  } else {
    show_message(QString::fromStdString(written.error().message));
  }
}

void MainWindow::search() {
  const DocumentPointer document = session_.document();
  if (!document) return;
  finding_.run([document, query = search_->text()] { return find_all(*document, 0, query); },
               [this](std::vector<Selection> found) { show_hits(std::move(found)); });
}

void MainWindow::show_hits(std::vector<Selection> found) {
  hits_ = std::move(found);
  hit_ = -1;
  std::vector<int64_t> times_ns;
  for (const Selection& hit : hits_) times_ns.push_back(hit.span.begin_ns);
  timeline_->set_hits(std::move(times_ns));
  minimap_->update();
  hits_text_->setText(search_->text().isEmpty() ? QString()
                      : hits_.empty()           ? QString("nothing found")
                                                : QString("%1 found").arg(hits_.size()));
}

void MainWindow::walk_hits(int step) {
  if (hits_.empty()) return;
  const int count = static_cast<int>(hits_.size());
  hit_ = hit_ < 0 ? (step > 0 ? 0 : count - 1) : (hit_ + step + count) % count;
  hits_text_->setText(QString("%1 of %2").arg(hit_ + 1).arg(count));
  select(hits_[hit_]);
}

void MainWindow::select(const std::optional<Selection>& selection) {
  if (selection) timeline_->select(selection, true);
}

void MainWindow::select_next_bubble() {
  const DocumentPointer document = session_.document();
  const std::vector<uint32_t> order = bubbles_by_length(document->step->why);
  if (order.empty()) return;
  bubble_ = (bubble_ + 1) % static_cast<int>(order.size());
  select(selection_of_bubble(*document, 0, order[bubble_]));
}

void MainWindow::select_peak() {
  const DocumentPointer document = session_.document();
  const auto& now = timeline_->selection();
  const int rank = now && now->picture == 0 ? now->rank : document->step->subject.evaluation.fullest_rank();
  select(peak_of(*document, 0, rank));
}

void MainWindow::add_mark(bool named) {
  Mark mark{timeline_->time_at_pointer(), {}};
  if (named) {
    bool accepted = false;
    mark.text = QInputDialog::getText(this, "Named mark", "Text", QLineEdit::Normal, {}, &accepted);
    if (!accepted || mark.text.isEmpty()) return;
  }
  marks_.push_back(mark);
  timeline_->set_marks(marks_);
  if (named) keep_marks();
}

void MainWindow::keep_marks() {
  if (shown_path_.isEmpty()) return;
  if (!marks_are_known_) {
    return show_message("marks are not kept: those in the file could not be read, and would be lost");
  }
  if (const Status written = write_marks(marks_path(shown_path_.toStdString()), marks_); !written) {
    show_message(QString::fromStdString(written.error().message));
  }
}

void MainWindow::load_marks() {
  marks_.clear();
  timeline_->set_marks(marks_);
  marks_reading_.drop();
  marks_are_known_ = shown_path_.isEmpty();
  if (marks_are_known_) return;
  marks_reading_.run([path = marks_path(shown_path_.toStdString())] { return read_marks(path); },
                     [this](Result<std::vector<Mark>> read) {
                       if (!read) return show_message(QString::fromStdString(read.error().message));
                       marks_are_known_ = true;
                       // Behind what the file says, what was marked meanwhile.
                       marks_.insert(marks_.begin(), read->begin(), read->end());
                       timeline_->set_marks(marks_);
                     });
}

void MainWindow::toggle_rows(Act act) {
  RowOptions rows = timeline_->row_options();
  const auto flip = [&](LaneRole role) { rows.lanes[static_cast<size_t>(role)] ^= true; };
  if (act == Act::kComponents) flip(LaneRole::kComponents);
  if (act == Act::kTransfers) flip(LaneRole::kTransfers);
  if (act == Act::kMemory) {
    rows.memory = timeline_->frame().rows.has_memory ? ShowMemory::kNever : ShowMemory::kAlways;
  }
  if (act == Act::kCommunication) {
    flip(LaneRole::kCommunication);
    flip(LaneRole::kOverlap);
  }
  timeline_->set_row_options(rows);
  update_actions();
}

void MainWindow::next_colouring() {
  colouring_->setCurrentIndex((colouring_->currentIndex() + 1) % colouring_->count());
  set_picture_options();
}

void MainWindow::set_picture_options() {
  session_.set_options({static_cast<ColourBy>(colouring_->currentIndex()), action(Act::kCriticalPath).isChecked()});
}

}  // namespace pipeloom::gui
