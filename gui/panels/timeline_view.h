#pragma once

#include <QAbstractScrollArea>
#include <optional>
#include <vector>

#include "gui/models/selection.h"
#include "gui/timeline/timeline_painter.h"

namespace pipeloom::gui {

// The timeline of one plan, or of several below each other. Paints, zooms and selects; what that means for the rest of
// the window is for others to say, who listen to its signals.
class TimelineView : public QAbstractScrollArea {
  Q_OBJECT

 public:
  explicit TimelineView(QWidget* parent = nullptr);

  // Keeps the view and the selection where they still fit.
  void set_documents(std::vector<DocumentPointer> documents);
  void set_theme(const Theme& theme);
  void set_row_options(const RowOptions& options);
  void set_normalised(bool normalised);
  void set_hits(std::vector<int64_t> hits_ns);
  void set_marks(std::vector<Mark> marks);

  const Frame& frame() const { return frame_; }
  const RowOptions& row_options() const { return row_options_; }
  const std::optional<Selection>& selection() const { return selection_; }
  const Document& document_of(const Selection& selection) const { return *documents_[selection.picture]; }
  // In the middle of the view where it is, else at the pointer.
  int64_t time_at_pointer() const;

  void select(std::optional<Selection> selection, bool bring_into_view);
  void show_window(TimeWindow window);  // remembers the one before
  void zoom(double factor);             // at the pointer
  void pan(double share);
  void fit();
  void zoom_back();
  void focus_selection();
  void select_next(int step);  // on the same lane
  void select_lane(int step);  // above or below, at the same time

 Q_SIGNALS:
  void selection_changed();
  void window_changed();
  void measured();
  void hovered(const QString& text);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void scrollContentsBy(int dx, int dy) override;
  bool viewportEvent(QEvent* event) override;

 private:
  enum class Drag { kNone, kPress, kMeasure, kPan };

  void lay_out();
  void set_window(TimeWindow window);
  std::optional<Selection> at(const QPoint& point) const;
  void update_hover(const QPoint& point);
  void bring_into_view(const Selection& selection);

  std::vector<DocumentPointer> documents_;
  RowOptions row_options_;
  Frame frame_;
  TimelinePainter painter_;
  std::optional<Selection> selection_;
  std::vector<TimeWindow> last_windows_;
  Drag drag_ = Drag::kNone;
  QPoint pressed_at_;
  TimeWindow pressed_window_;
  QPoint pointer_ = {-1, -1};
};

}  // namespace pipeloom::gui
