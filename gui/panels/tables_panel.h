#pragma once

#include <QTabWidget>
#include <array>
#include <memory>
#include <vector>

#include "gui/models/background.h"
#include "gui/models/fact_tables.h"

class QTableView;

namespace pipeloom::gui {

// Everything that is painted, as tables to sort, read and walk through by key.
class TablesPanel : public QTabWidget {
  Q_OBJECT

 public:
  enum Table { kBubbles, kPasses, kRanks, kSchedules, kComparison, kDifferences, kErrors };
  static constexpr int kTables = 7;

  explicit TablesPanel(QWidget* parent = nullptr);
  void show_documents(const std::vector<DocumentPointer>& documents);
  QTableView& view(Table table) { return *views_[table]; }
  FactsModel& model(Table table) { return *models_[table]; }

 Q_SIGNALS:
  void bubble_chosen(uint32_t bubble);
  void slot_chosen(uint32_t slot);
  void rank_chosen(int rank);

 private:
  void choose(Table table, int row);
  void compare_schedules_later(const DocumentPointer& document);

  std::array<FactsModel*, kTables> models_ = {};
  std::array<QTableView*, kTables> views_ = {};
  DocumentPointer document_;
  Background comparing_;
};

}  // namespace pipeloom::gui
