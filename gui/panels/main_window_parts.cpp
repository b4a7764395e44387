// What the window is made of: menus, centre, panels, toolbar, and what listens to what.
#include <QComboBox>
#include <QDockWidget>
#include <QHBoxLayout>
#include <QMenuBar>
#include <QProgressBar>
#include <QStackedWidget>
#include <QStatusBar>
#include <QToolBar>
#include <QToolButton>

#include "gui/panels/main_window.h"

namespace pipeloom::gui {

void MainWindow::build_actions() {
  std::map<QString, QMenu*> menus;
  for (const char* name : {"File", "View", "Go", "Plan", "Help"}) menus[name] = menuBar()->addMenu(name);
  for (const ActionRow& row : action_table()) {
    auto* action = new QAction(row.name, this);
    QList<QKeySequence> keys;
    for (const QString& key : QString(row.keys).split(' ')) keys.append(QKeySequence(key));
    action->setShortcuts(keys);
    action->setToolTip(QString("%1 (%2)").arg(row.help, keys.front().toString()));
    action->setStatusTip(row.help);
    action->setCheckable(row.checkable);
    action->setShortcutContext(row.timeline_keys ? Qt::WidgetWithChildrenShortcut : Qt::WindowShortcut);
    connect(action, &QAction::triggered, this, [this, act = row.act] { perform(act); });
    menus.at(row.menu)->addAction(action);
    actions_[row.act] = action;
    if (row.act == Act::kOpen) recent_menu_ = menus.at("File")->addMenu("Open recent");
  }
}

void MainWindow::build_centre() {
  start_ = new StartPage;
  title_ = new QLabel;
  title_->setObjectName("section");
  detail_ = new QLabel;
  detail_->setObjectName("muted");
  // Long names give way, they do not widen the window.
  detail_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  auto* head = new QHBoxLayout;
  head->setContentsMargins(12, 8, 12, 8);
  head->setSpacing(16);
  head->addWidget(title_);
  head->addWidget(detail_, 1);

  message_frame_ = new QFrame;
  message_frame_->setObjectName("message");
  message_ = new QLabel;
  message_->setWordWrap(true);
  message_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  auto* close = new QToolButton;
  close->setText("Close");
  connect(close, &QToolButton::clicked, message_frame_, &QFrame::hide);
  auto* message_row = new QHBoxLayout(message_frame_);
  message_row->setContentsMargins(12, 6, 8, 6);
  message_row->addWidget(message_, 1);
  message_row->addWidget(close);
  message_frame_->hide();

  timeline_ = new TimelineView;
  minimap_ = new Minimap(*timeline_);
  legend_ = new Legend;
  auto* page = new QWidget;
  auto* column = new QVBoxLayout(page);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addLayout(head);
  column->addWidget(timeline_, 1);
  column->addWidget(minimap_);
  column->addWidget(legend_);

  pages_ = new QStackedWidget;
  pages_->addWidget(start_);
  pages_->addWidget(page);
  auto* centre = new QWidget;
  auto* outer = new QVBoxLayout(centre);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->setSpacing(0);
  auto* message_box = new QVBoxLayout;
  message_box->setContentsMargins(8, 0, 8, 0);
  message_box->addWidget(message_frame_);
  outer->addLayout(message_box);
  outer->addWidget(pages_, 1);
  setCentralWidget(centre);
  for (const ActionRow& row : action_table()) {
    if (row.timeline_keys) timeline_->addAction(actions_.at(row.act));
  }

  pointer_text_ = new QLabel;
  pointer_text_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  work_text_ = new QLabel;
  work_bar_ = new QProgressBar;
  work_bar_->setRange(0, 0);
  work_bar_->setFixedWidth(120);
  work_bar_->setTextVisible(false);
  work_bar_->hide();
  statusBar()->setSizeGripEnabled(false);
  statusBar()->addWidget(pointer_text_, 1);
  statusBar()->addPermanentWidget(work_text_);
  statusBar()->addPermanentWidget(work_bar_);
}

void MainWindow::build_docks() {
  const auto dock = [this](const char* name, const char* title, QWidget* content, Qt::DockWidgetArea area, Act act) {
    auto* made = new QDockWidget(title, this);
    made->setObjectName(name);
    made->setWidget(content);
    made->setFeatures(QDockWidget::DockWidgetClosable);
    made->setTitleBarWidget(new QWidget);  // tabs and keys are enough: the room is the timeline's
    addDockWidget(area, made);
    connect(made, &QDockWidget::visibilityChanged, this,
            [this, made, act] { action(act).setChecked(made->isVisibleTo(this)); });
    return made;
  };
  selection_panel_ = new SelectionPanel(session_);
  plan_panel_ = new PlanPanel(session_);
  tables_ = new TablesPanel;
  selection_dock_ =
      dock("selection_dock", "Selection", selection_panel_, Qt::RightDockWidgetArea, Act::kSelectionPanel);
  plan_dock_ = dock("plan_dock", "Plan", plan_panel_, Qt::RightDockWidgetArea, Act::kPlanPanel);
  tables_dock_ = dock("tables_dock", "Tables", tables_, Qt::BottomDockWidgetArea, Act::kTablesPanel);
  tabifyDockWidget(selection_dock_, plan_dock_);
  selection_dock_->raise();
  setTabPosition(Qt::RightDockWidgetArea, QTabWidget::North);
  resizeDocks({selection_dock_}, {320}, Qt::Horizontal);
  resizeDocks({tables_dock_}, {170}, Qt::Vertical);
}

void MainWindow::build_toolbar() {
  QToolBar* bar = tools_ = addToolBar("Tools");
  bar->setObjectName("tools");
  bar->setMovable(false);
  bar->setToolButtonStyle(Qt::ToolButtonTextOnly);
  const auto add = [&](Act act, const char* text) {
    auto* button = new QToolButton;
    button->setDefaultAction(&action(act));
    button->setText(text);
    button->setFocusPolicy(Qt::TabFocus);
    bar->addWidget(button);
    // The action's own text, longer, would take its place whenever the action changes.
    connect(&action(act), &QAction::changed, button, [button, text] { button->setText(text); });
  };
  add(Act::kOpen, "Open");
  add(Act::kSave, "Save");
  bar->addSeparator();
  add(Act::kUndo, "Undo");
  add(Act::kRedo, "Redo");
  add(Act::kImprove, "Improve");
  bar->addSeparator();
  add(Act::kFit, "Whole step");
  add(Act::kCriticalPath, "Critical path");
  add(Act::kComponents, "Components");
  add(Act::kMemory, "Memory");
  colouring_ = new QComboBox;
  colouring_->setObjectName("colouring");
  colouring_->setAccessibleName("colour by");
  for (int i = 0; i < static_cast<int>(ColourBy::kError); ++i) {
    colouring_->addItem(QString("by %1").arg(colour_by_name(static_cast<ColourBy>(i))));
  }
  connect(colouring_, qOverload<int>(&QComboBox::activated), this, [this] { set_picture_options(); });
  bar->addWidget(colouring_);
  auto* space = new QWidget;
  space->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  bar->addWidget(space);
  hits_text_ = new QLabel;
  hits_text_->setObjectName("muted");
  bar->addWidget(hits_text_);
  search_ = new QLineEdit;
  search_->setObjectName("search");
  search_->setPlaceholderText("Search: F12, stage 3, attention");
  search_->setClearButtonEnabled(true);
  search_->setFixedWidth(230);
  connect(search_, &QLineEdit::textChanged, this, &MainWindow::search);
  connect(search_, &QLineEdit::returnPressed, this, [this] { walk_hits(1); });
  bar->addWidget(search_);
}

void MainWindow::connect_session() {
  connect(&session_, &Session::documents_changed, this, &MainWindow::show_documents);
  connect(&session_, &Session::state_changed, this, &MainWindow::update_actions);
  connect(&session_, &Session::failed, this, &MainWindow::show_message);
  connect(&session_, &Session::told, this, [this](const QString& text) { work_text_->setText(text); });
  connect(&session_, &Session::progressed, this, [this](const QString& text) {
    if (session_.improving()) work_text_->setText(text);
  });
  connect(&session_, &Session::saved, this, [this](const QString& path) {
    work_text_->setText("saved to " + path);
    remember(path);
  });
}

void MainWindow::connect_panels() {
  connect(start_, &StartPage::sample_chosen, &session_, &Session::open_sample);
  connect(start_, &StartPage::file_chosen, this, [this](const QString& path) { open({path}); });
  connect(start_, &StartPage::open_wanted, this, [this] { perform(Act::kOpen); });
  connect(start_, &StartPage::help_wanted, this, [this] { perform(Act::kHelp); });
  connect(timeline_, &TimelineView::selection_changed, this, &MainWindow::show_selection);
  connect(timeline_, &TimelineView::hovered, pointer_text_, &QLabel::setText);
  connect(timeline_, &TimelineView::measured, this, [this] {
    const auto& range = timeline_->frame().measured_ns;
    if (!range || !session_.document()) return;
    selection_panel_->show_description(describe_range(*session_.document(), std::min(range->first, range->second),
                                                      std::max(range->first, range->second)));
  });
  connect(selection_panel_, &SelectionPanel::cause_wanted, this, [this] { perform(Act::kCause); });
  connect(selection_panel_, &SelectionPanel::effect_wanted, this, [this] { perform(Act::kEffect); });
  connect(tables_, &TablesPanel::bubble_chosen, this,
          [this](uint32_t bubble) { select(selection_of_bubble(*session_.document(), 0, bubble)); });
  connect(tables_, &TablesPanel::slot_chosen, this,
          [this](uint32_t slot) { select(selection_of_slot(*session_.document(), 0, slot)); });
  connect(tables_, &TablesPanel::rank_chosen, this, [this](int rank) {
    select(selection_of_slot(*session_.document(), 0, session_.document()->schedule()->first_slot(rank)));
  });
}

}  // namespace pipeloom::gui
