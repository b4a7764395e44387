#pragma once

#include <QWidget>
#include <span>
#include <utility>
#include <vector>

#include "gui/timeline/picture.h"
#include "gui/timeline/plan_picture.h"
#include "gui/timeline/theme.h"

namespace pipeloom::gui {

struct LegendEntry {
  int look = 0;
  QString text;
};
// Of what occurs in the pictures.
std::vector<LegendEntry> legend_of(std::span<const Picture* const> pictures, ColourBy colour);
// In one or more lines of `width`; returns the height. Without a painter nothing is painted.
int paint_legend(QPainter* painter, const std::vector<LegendEntry>& entries, const Theme& theme, int left, int width);

class Legend : public QWidget {
  Q_OBJECT

 public:
  explicit Legend(QWidget* parent = nullptr);
  void show_entries(std::vector<LegendEntry> entries);
  void set_theme(const Theme& theme);
  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;
  QSize sizeHint() const override { return {400, heightForWidth(width())}; }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  std::vector<LegendEntry> entries_;
  const Theme* theme_ = &light_theme();
};

}  // namespace pipeloom::gui
