#pragma once

#include <QLabel>
#include <QLineEdit>
#include <QMainWindow>
#include <map>
#include <vector>

#include "gui/models/actions.h"
#include "gui/models/background.h"
#include "gui/models/session.h"
#include "gui/panels/legend.h"
#include "gui/panels/minimap.h"
#include "gui/panels/plan_panel.h"
#include "gui/panels/selection_panel.h"
#include "gui/panels/start_page.h"
#include "gui/panels/tables_panel.h"
#include "gui/panels/timeline_view.h"

class QComboBox;
class QFrame;
class QProgressBar;
class QStackedWidget;
class QToolBar;

namespace pipeloom::gui {

// The window: menus from the action table, the timeline in the middle, panels around it.
class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  explicit MainWindow(bool dark);
  ~MainWindow() override;

  void open(const QStringList& paths);
  void perform(Act act);
  QAction& action(Act act) { return *actions_.at(act); }
  Session& session() { return session_; }
  TimelineView& timeline() { return *timeline_; }
  Minimap& minimap() { return *minimap_; }
  SelectionPanel& selection_panel() { return *selection_panel_; }
  PlanPanel& plan_panel() { return *plan_panel_; }
  TablesPanel& tables() { return *tables_; }
  QLineEdit& search_field() { return *search_; }
  StartPage& start_page() { return *start_; }
  bool shows_start_page() const;
  QString message() const;  // the error that is shown; empty: none
  const Theme& theme() const { return *theme_; }

 protected:
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void build_actions();
  void build_toolbar();
  void build_centre();
  void build_docks();
  void connect_session();
  void connect_panels();

  void show_documents();
  void show_selection();
  void update_actions();
  bool is_available(Needs needs) const;
  void set_dark(bool dark);
  void show_message(const QString& text);
  void show_recent();
  void remember(const QString& path);

  void choose_files_to_open();
  void choose_files_to_compare();
  void choose_trace();
  bool save(bool ask_for_path);
  void export_picture();
  // Asks where there are unsaved changes; false: stay.
  bool may_leave();

  void search();
  void show_hits(std::vector<Selection> found);
  void walk_hits(int step);
  void select(const std::optional<Selection>& selection);
  void select_next_bubble();
  void select_peak();
  void add_mark(bool named);
  void load_marks();
  void keep_marks();
  void toggle_rows(Act act);
  void next_colouring();
  void set_picture_options();

  Session session_;
  const Theme* theme_;
  bool chose_theme_ = false;
  std::map<Act, QAction*> actions_;
  QMenu* recent_menu_ = nullptr;

  QToolBar* tools_ = nullptr;
  QStackedWidget* pages_ = nullptr;
  StartPage* start_ = nullptr;
  QLabel* title_ = nullptr;
  QLabel* detail_ = nullptr;
  QFrame* message_frame_ = nullptr;
  QLabel* message_ = nullptr;
  TimelineView* timeline_ = nullptr;
  Minimap* minimap_ = nullptr;
  Legend* legend_ = nullptr;
  QLineEdit* search_ = nullptr;
  QLabel* hits_text_ = nullptr;
  QComboBox* colouring_ = nullptr;
  QDockWidget* selection_dock_ = nullptr;
  QDockWidget* plan_dock_ = nullptr;
  QDockWidget* tables_dock_ = nullptr;
  SelectionPanel* selection_panel_ = nullptr;
  PlanPanel* plan_panel_ = nullptr;
  TablesPanel* tables_ = nullptr;
  QLabel* pointer_text_ = nullptr;
  QLabel* work_text_ = nullptr;
  QProgressBar* work_bar_ = nullptr;

  Background finding_;
  std::vector<Selection> hits_;
  int hit_ = -1;
  int bubble_ = -1;
  std::vector<Mark> marks_;
  Background marks_reading_;
  bool marks_are_known_ = true;  // else a write would lose what could not be read
  QString shown_path_;
};

}  // namespace pipeloom::gui
