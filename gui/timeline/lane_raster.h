#pragma once

#include <QImage>
#include <cstdint>
#include <span>
#include <vector>

#include "gui/timeline/lane.h"
#include "gui/timeline/theme.h"
#include "gui/timeline/time_window.h"

namespace pipeloom::gui {

// A span that may have room for a label: pixel columns within the lane.
struct LabelPlace {
  int left = 0;
  int right = 0;
  const LaneSpan* span = nullptr;
};

// Paints lanes into 32-bit images column by column. A column shows every look by its share: a lane that is a fifth idle
// looks a fifth idle at any zoom. Where many spans fall on a column the lane's share table says how much of each look;
// else the spans themselves do, and single spans appear with edges, hatches and places for labels.
// Keeps its buffers from lane to lane. One thread at a time.
class LaneRaster {
 public:
  // Fills window.width columns from `left` and `height` rows from `top`. REQUIRES: they lie within the image.
  void paint(const PictureLane& lane, const TimeWindow& window, const Palette& palette, QImage& image, int left,
             int top, int height);
  // Of the lane that was painted last.
  const std::vector<LabelPlace>& labels() const { return labels_; }
  // Spans that the last lane has in view, and whether each was looked at.
  size_t spans_in_view() const { return spans_in_view_; }

 private:
  // Four floats that are computed with at once (GCC and Clang): blue, green, red and share of a column, or totals.
  using Vec4 = float __attribute__((vector_size(16)));
  struct Run {
    int begin = 0;
    int end = 0;
    uint8_t look = 0;
  };
  static constexpr uint8_t kMixed = 255;

  void reset(const Palette& palette, int columns);
  void add_table(const ShareTable& shares, const TimeWindow& window);
  void place_edges(const ShareTable& shares, const ShareTable::Level& level, const TimeWindow& window);
  void add_looks(const int32_t* totals, size_t stride, std::span<const uint8_t> looks, float scale,
                 std::vector<Vec4>& sums, std::vector<uint8_t>& pure) const;
  void add_spans(const LaneSpan* begin, const LaneSpan* end, const TimeWindow& window);
  void add_piece(int column, float share, const LaneSpan& span);
  void set_columns(int begin, int end, const LaneSpan& span);
  void mark_idle(const PictureLane& lane, const TimeWindow& window);
  void resolve();
  void fill(QImage& image, int left, int top, int height) const;
  void hatch(QRgb* row, const std::vector<Run>& runs, int left, int y, bool baseline) const;
  static Vec4 as_vector(QRgb colour);
  static QRgb colour_of(Vec4 sums, Vec4 background);
  static void collect_runs(const std::vector<uint8_t>& pure, const Palette& palette, std::vector<Run>& runs);

  const Palette* palette_ = nullptr;
  Vec4 of_look_[2 * kFaded];
  bool split_ = false;  // the lane's halves differ; otherwise the lower ones are not filled
  std::vector<Vec4> sums_upper_;
  std::vector<Vec4> sums_lower_;
  std::vector<uint8_t> pure_upper_;  // [column] the look that fills it, or kMixed
  std::vector<uint8_t> pure_lower_;
  std::vector<uint8_t> edge_;  // [column] 1: the last of a span
  std::vector<QRgb> upper_;
  std::vector<QRgb> lower_;
  std::vector<Run> runs_upper_;
  std::vector<Run> runs_lower_;
  // Where a column of pixels begins in the share table's level: between which edges, and how far. One more than
  // columns.
  struct EdgePlace {
    size_t edge = 0;
    float part = 0;
  };
  std::vector<EdgePlace> places_;
  std::vector<LabelPlace> labels_;
  size_t spans_in_view_ = 0;
};

}  // namespace pipeloom::gui
