#pragma once

#include <QWidget>
#include <vector>

#include "gui/timeline/theme.h"
#include "planner/overlap/split.h"

namespace pipeloom::gui {

// Time per step against the SMs that communication gets, with the best and the current one marked.
class SplitCurveView : public QWidget {
  Q_OBJECT

 public:
  explicit SplitCurveView(QWidget* parent = nullptr);
  void set_theme(const Theme& theme);
  void set_points(std::vector<planner::SplitPoint> points);
  void set_current(int comm_sms);
  const std::vector<planner::SplitPoint>& points() const { return points_; }
  QSize sizeHint() const override { return {260, 110}; }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  const Theme* theme_ = &light_theme();
  std::vector<planner::SplitPoint> points_;
  int current_ = 0;
};

}  // namespace pipeloom::gui
