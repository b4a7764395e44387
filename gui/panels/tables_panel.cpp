#include "gui/panels/tables_panel.h"

#include <QHeaderView>
#include <QSortFilterProxyModel>
#include <QTableView>

namespace pipeloom::gui {

namespace {

constexpr const char* kNames[TablesPanel::kTables] = {"Bubbles",    "Passes",      "Ranks", "Schedules",
                                                      "Comparison", "Differences", "Errors"};

// Columns are as wide as these many rows ask for: measuring a thousand takes longer than a frame.
constexpr int kRowsMeasured = 24;

// As wide as what they hold; the last takes the rest.
void fit_columns(QTableView& view) {
  view.horizontalHeader()->setStretchLastSection(false);
  view.resizeColumnsToContents();
  // Text may use what is left; numbers stay near their neighbours.
  const int columns = view.model()->columnCount();
  const int alignment = view.model()->headerData(columns - 1, Qt::Horizontal, Qt::TextAlignmentRole).toInt();
  view.horizontalHeader()->setStretchLastSection((alignment & Qt::AlignLeft) != 0);
}

}  // namespace

TablesPanel::TablesPanel(QWidget* parent) : QTabWidget(parent) {
  setObjectName("tables");
  setDocumentMode(true);
  for (int table = 0; table < kTables; ++table) {
    models_[table] = new FactsModel(this);
    auto* sorted = new QSortFilterProxyModel(this);
    sorted->setSourceModel(models_[table]);
    sorted->setSortRole(FactsModel::kSortRole);
    auto* view = new QTableView;
    view->setObjectName(QString(kNames[table]).toLower());
    view->setAccessibleName(kNames[table]);
    view->setModel(sorted);
    view->setSortingEnabled(true);
    view->sortByColumn(-1, Qt::AscendingOrder);
    view->setSelectionBehavior(QAbstractItemView::SelectRows);
    view->setSelectionMode(QAbstractItemView::SingleSelection);
    view->setAlternatingRowColors(true);
    view->setShowGrid(false);
    view->horizontalHeader()->setResizeContentsPrecision(kRowsMeasured);
    view->verticalHeader()->hide();
    view->verticalHeader()->setDefaultSectionSize(24);
    view->horizontalHeader()->setHighlightSections(false);
    view->setSizeAdjustPolicy(QAbstractScrollArea::AdjustIgnored);
    view->setTabKeyNavigation(false);
    connect(view->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this, table, sorted](const QModelIndex& current) {
              if (current.isValid()) choose(static_cast<Table>(table), sorted->mapToSource(current).row());
            });
    views_[table] = view;
    addTab(view, kNames[table]);
  }
}

void TablesPanel::show_documents(const std::vector<DocumentPointer>& documents) {
  const DocumentPointer first = documents.empty() ? nullptr : documents.front();
  const bool same = document_ && first && document_->same_plan(*first);
  document_ = first;
  const bool plan = first && first->step;
  if (!same) {
    models_[kBubbles]->set_facts(plan ? bubble_facts(first) : FactsModel::Facts{});
    models_[kPasses]->set_facts(plan ? pass_facts(first) : FactsModel::Facts{});
    models_[kRanks]->set_facts(plan ? rank_facts(first) : FactsModel::Facts{});
    models_[kSchedules]->set_facts({});
    models_[kErrors]->set_facts(plan ? error_facts(first) : FactsModel::Facts{});
    if (plan) compare_schedules_later(first);
  }
  models_[kComparison]->set_facts(documents.size() > 1 ? comparison_facts(documents) : FactsModel::Facts{});
  models_[kDifferences]->set_facts(documents.size() > 1 ? difference_facts(documents) : FactsModel::Facts{});
  for (const Table table : {kBubbles, kPasses, kRanks, kSchedules}) setTabVisible(table, plan);
  setTabVisible(kComparison, models_[kComparison]->rowCount() > 1);
  setTabVisible(kDifferences, models_[kDifferences]->rowCount() > 0);
  setTabVisible(kErrors, models_[kErrors]->rowCount() > 0);
  for (QTableView* view : views_) fit_columns(*view);
}

void TablesPanel::compare_schedules_later(const DocumentPointer& document) {
  comparing_.run(
      [document] {
        return std::make_shared<const std::vector<planner::ComparedSchedule>>(
            planner::compare_schedules(document->step->subject.job));
      },
      [this, document](std::shared_ptr<const std::vector<planner::ComparedSchedule>> all) {
        models_[kSchedules]->set_facts(schedule_facts(document, std::move(all)));
        fit_columns(*views_[kSchedules]);
      });
}

void TablesPanel::choose(Table table, int row) {
  if (!document_ || !document_->step) return;
  if (table == kBubbles) Q_EMIT bubble_chosen(bubbles_by_length(document_->step->why)[static_cast<size_t>(row)]);
  if (table == kPasses) Q_EMIT slot_chosen(static_cast<uint32_t>(row));
  if (table == kRanks) Q_EMIT rank_chosen(row);
}

}  // namespace pipeloom::gui
