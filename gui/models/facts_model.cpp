#include "gui/models/facts_model.h"

namespace pipeloom::gui {

void FactsModel::set_facts(Facts facts) {
  beginResetModel();
  facts_ = std::move(facts);
  endResetModel();
}

int FactsModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : facts_.rows;
}

int FactsModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(facts_.columns.size());
}

QVariant FactsModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= facts_.rows || index.column() >= columnCount()) return {};
  const Column& column = facts_.columns[index.column()];
  switch (role) {
    case Qt::DisplayRole:
      return column.text(index.row());
    case kSortRole:
      return column.number ? QVariant(column.number(index.row())) : QVariant(column.text(index.row()));
    case Qt::TextAlignmentRole:
      return static_cast<int>(Qt::AlignVCenter | (column.number ? Qt::AlignRight : Qt::AlignLeft));
    default:
      return {};
  }
}

QVariant FactsModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section >= columnCount()) return {};
  if (role == Qt::DisplayRole) return facts_.columns[section].name;
  if (role == Qt::TextAlignmentRole) {
    return static_cast<int>(Qt::AlignVCenter | (facts_.columns[section].number ? Qt::AlignRight : Qt::AlignLeft));
  }
  return {};
}

}  // namespace pipeloom::gui
