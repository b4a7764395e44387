#pragma once

#include <QWidget>
#include <optional>
#include <vector>

#include "gui/models/session.h"
#include "gui/timeline/theme.h"
#include "planner/app/component_order.h"

namespace pipeloom::gui {

// The components of the selected slot on its two lanes. Dragging one, or Alt and an arrow, rearranges the slot: places
// where it may go light up, and the time that the step would take is shown before it is let go.
class SlotView : public QWidget {
  Q_OBJECT

 public:
  explicit SlotView(Session& session, QWidget* parent = nullptr);

  void show_slot(std::optional<uint32_t> slot);
  void set_theme(const Theme& theme);
  // Moves the chosen component by one place; false where it may not.
  bool move_chosen(bool left);
  void choose(std::optional<size_t> position);
  std::optional<size_t> chosen() const { return chosen_; }
  const std::optional<planner::ComponentOrder>& order() const { return order_; }
  const QString& ghost() const { return ghost_; }
  // Where the component at `position` is painted.
  QRectF bar_of(size_t position) const;
  QSize sizeHint() const override { return {320, 176}; }

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  struct Bar {
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    bool communication = false;
  };
  double x_of(int64_t time_ns) const;
  QRectF lane_rectangle(bool communication) const;
  double x_of_place(size_t to) const;
  std::optional<size_t> place_near(double x) const;
  void preview(size_t to);
  void commit(size_t to);
  void paint_bar(QPainter& painter, size_t position) const;

  Session& session_;
  const Theme* theme_;
  std::optional<uint32_t> slot_;
  std::optional<planner::ComponentOrder> order_;
  QString why_not_;        // why there is no order to change
  std::vector<Bar> bars_;  // [position]
  int64_t length_ns_ = 1;
  std::optional<size_t> chosen_;
  std::vector<size_t> places_;  // where the dragged component may go
  std::optional<size_t> target_;
  bool dragging_ = false;
  QString ghost_;
};

}  // namespace pipeloom::gui
