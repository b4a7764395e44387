#include "gui/panels/main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QComboBox>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QMenu>
#include <QMessageBox>
#include <QMimeData>
#include <QProgressBar>
#include <QSettings>
#include <QStackedWidget>
#include <QToolBar>

#include "gui/panels/style.h"

namespace pipeloom::gui {

namespace {

constexpr int kRecentKept = 10;

QStringList recent_files() {
  return QSettings().value("recent").toStringList();
}

}  // namespace

MainWindow::MainWindow(bool dark) : theme_(dark ? &dark_theme() : &light_theme()) {
  setObjectName("main");
  setWindowTitle("Pipeloom");
  setAcceptDrops(true);
  setDockOptions(QMainWindow::AllowTabbedDocks);
  build_actions();
  build_centre();
  build_docks();
  build_toolbar();
  connect_session();
  connect_panels();
  set_dark(dark);
  action(Act::kDark).setChecked(dark);
  show_recent();
  show_documents();
  resize(1280, 800);
}

// Panels tell of their end; what listens must still be there.
MainWindow::~MainWindow() {
  session_.undo_stack().disconnect(&session_);
  session_.disconnect(this);
  for (QDockWidget* panel : {selection_dock_, plan_dock_, tables_dock_}) {
    panel->disconnect(this);
    delete panel;
  }
  delete takeCentralWidget();
}

bool MainWindow::shows_start_page() const {
  return pages_->currentWidget() == start_;
}

QString MainWindow::message() const {
  return message_frame_->isVisibleTo(this) ? message_->text() : QString();
}

void MainWindow::show_message(const QString& text) {
  message_->setText(text);
  message_frame_->show();
}

void MainWindow::open(const QStringList& paths) {
  if (paths.isEmpty() || !may_leave()) return;
  message_frame_->hide();
  session_.open(paths);
}

void MainWindow::show_documents() {
  const std::vector<DocumentPointer>& documents = session_.documents();
  const bool any = !documents.empty();
  hits_.clear();
  hit_ = -1;
  bubble_ = -1;
  const std::optional<Selection> old = timeline_->selection();
  pages_->setCurrentIndex(any ? 1 : 0);
  tools_->setVisible(any);
  for (QDockWidget* panel : {selection_dock_, plan_dock_, tables_dock_}) {
    if (!any) panel->hide();
  }
  if (any && start_->property("was_shown").toBool()) {
    for (QDockWidget* panel : {selection_dock_, plan_dock_, tables_dock_}) panel->show();
    selection_dock_->raise();
  }
  start_->setProperty("was_shown", !any);
  timeline_->set_documents(documents);
  minimap_->refresh();
  tables_->show_documents(documents);
  plan_panel_->show_document(session_.document());
  if (any) {
    const Document& first = *documents.front();
    title_->setText(QString::fromStdString(first.picture->title));
    detail_->setText(documents.size() == 1 ? QString::fromStdString(first.picture->detail)
                                           : QString("and %1 more, on one axis").arg(documents.size() - 1));
    legend_->show_entries(legend_of(timeline_->frame().pictures, first.options.colour));
    if (const QString path = QString::fromStdString(first.path); path != shown_path_) {
      shown_path_ = path;
      if (!path.isEmpty()) remember(path);
      load_marks();
    }
    // A change of the plan keeps the selection where there still is such a slot.
    if (old && old->picture == 0 && old->kind == Selection::Kind::kSpan && old->role == LaneRole::kPasses &&
        first.step && old->span.item < first.schedule()->slots().size()) {
      timeline_->select(selection_of_slot(first, 0, old->span.item), false);
    }
    if (!search_->text().isEmpty()) search();
    if (pages_->isVisible() && !search_->hasFocus() && !plan_panel_->isAncestorOf(focusWidget()) &&
        !selection_panel_->isAncestorOf(focusWidget())) {
      timeline_->setFocus();
    }
  } else {
    shown_path_.clear();
    show_recent();
  }
  update_actions();
}

void MainWindow::show_selection() {
  const auto& selection = timeline_->selection();
  selection_panel_->show_selection(selection ? &timeline_->document_of(*selection) : nullptr, selection);
}

bool MainWindow::is_available(Needs needs) const {
  const DocumentPointer document = session_.document();
  switch (needs) {
    case Needs::kNothing:
      return true;
    case Needs::kDocument:
      return document != nullptr;
    case Needs::kPlan:
      return document != nullptr && document->step != nullptr;
    case Needs::kSeveral:
      return session_.documents().size() > 1;
    case Needs::kChange:
      return const_cast<Session&>(session_).undo_stack().canUndo();
    case Needs::kUndone:
      return const_cast<Session&>(session_).undo_stack().canRedo();
    case Needs::kRunning:
      return session_.improving();
  }
  return false;
}

void MainWindow::update_actions() {
  for (const ActionRow& row : action_table()) actions_.at(row.act)->setEnabled(is_available(row.needs));
  action(Act::kImprove).setEnabled(is_available(Needs::kPlan) && !session_.improving());
  const bool working = session_.busy() || session_.improving();
  work_bar_->setVisible(working);
  if (working && !session_.improving()) work_text_->setText("working");
  if (!working && work_text_->text() == "working") work_text_->clear();
  const DocumentPointer document = session_.document();
  const QString name = document ? QString::fromStdString(document->name()) : QString();
  setWindowTitle(document ? QString("%1%2 - Pipeloom").arg(name, session_.has_unsaved_changes() ? "*" : "")
                          : QString("Pipeloom"));
  const RowOptions& rows = timeline_->row_options();
  action(Act::kComponents).setChecked(rows.shows(LaneRole::kComponents));
  action(Act::kCommunication).setChecked(rows.shows(LaneRole::kCommunication));
  action(Act::kTransfers).setChecked(rows.shows(LaneRole::kTransfers));
  action(Act::kMemory).setChecked(timeline_->frame().rows.has_memory);
  action(Act::kCriticalPath).setChecked(session_.options().critical_path);
  colouring_->setCurrentIndex(static_cast<int>(session_.options().colour));
  colouring_->setEnabled(is_available(Needs::kPlan));
  search_->setEnabled(document != nullptr);
}

void MainWindow::set_dark(bool dark) {
  theme_ = dark ? &dark_theme() : &light_theme();
  apply_theme(*qApp, *theme_);
  timeline_->set_theme(*theme_);
  legend_->set_theme(*theme_);
  selection_panel_->set_theme(*theme_);
  plan_panel_->set_theme(*theme_);
  minimap_->update();
}

void MainWindow::changeEvent(QEvent* event) {
  QMainWindow::changeEvent(event);
  // The desktop went dark or light: follow it, unless the person has chosen.
  if (event->type() != QEvent::ThemeChange || chose_theme_) return;
  const bool dark = prefers_dark(QApplication::style()->standardPalette());
  if (dark != theme_->dark) set_dark(dark);
}

void MainWindow::remember(const QString& path) {
  QStringList recent = recent_files();
  recent.removeAll(path);
  recent.prepend(path);
  while (recent.size() > kRecentKept) recent.removeLast();
  QSettings().setValue("recent", recent);
  show_recent();
}

void MainWindow::show_recent() {
  const QStringList recent = recent_files();
  start_->set_recent(recent);
  recent_menu_->clear();
  recent_menu_->setEnabled(!recent.isEmpty());
  for (const QString& path : recent) {
    connect(recent_menu_->addAction(path), &QAction::triggered, this, [this, path] { open({path}); });
  }
}

bool MainWindow::may_leave() {
  if (!session_.has_unsaved_changes()) return true;
  QMessageBox box(QMessageBox::Warning, "Unsaved changes", "The plan has changes that are not saved.",
                  QMessageBox::Save | QMessageBox::Discard | QMessageBox::Cancel, this);
  box.setObjectName("unsaved");
  box.setDefaultButton(QMessageBox::Save);
  const int answer = box.exec();
  if (answer == QMessageBox::Discard) return true;
  if (answer == QMessageBox::Save) save(false);  // saving goes on in the background: leave when it is done
  return false;
}

void MainWindow::closeEvent(QCloseEvent* event) {
  if (may_leave()) {
    event->accept();
  } else {
    event->ignore();
  }
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  QStringList paths;
  for (const QUrl& url : event->mimeData()->urls()) {
    if (url.isLocalFile()) paths.append(url.toLocalFile());
  }
  open(paths);
}

}  // namespace pipeloom::gui
