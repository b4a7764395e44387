#pragma once

#include <QAbstractTableModel>
#include <QString>
#include <functional>
#include <vector>

namespace pipeloom::gui {

// A table of facts that are painted elsewhere too: read-only, made whole at once. Cells are made when they are shown.
class FactsModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  struct Column {
    QString name;
    std::function<QString(int row)> text;
    std::function<double(int row)> number;  // sorts by it and stands right; empty: by text, left
  };
  struct Facts {
    int rows = 0;
    std::vector<Column> columns;
  };

  using QAbstractTableModel::QAbstractTableModel;
  void set_facts(Facts facts);

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

  static constexpr int kSortRole = Qt::UserRole;

 private:
  Facts facts_;
};

}  // namespace pipeloom::gui
