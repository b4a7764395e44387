#pragma once

#include <QImage>
#include <cstdint>
#include <vector>

#include "gui/timeline/lane.h"
#include "gui/timeline/theme.h"
#include "gui/timeline/time_window.h"

namespace pipeloom {

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
  // Sums of colour times share: red, green, blue, share.
  struct alignas(16) Sums {
    float values[4] = {};

    void add(const Sums& colour, float share) {
      for (int i = 0; i < 4; ++i) values[i] += share * colour.values[i];
    }
  };
  struct Run {
    int begin = 0;
    int end = 0;
    uint8_t look = 0;
  };
  static constexpr uint8_t kMixed = 255;

  void reset(const Palette& palette, int columns);
  void add_table(const ShareTable& shares, const TimeWindow& window);
  void add_spans(const LaneSpan* begin, const LaneSpan* end, const TimeWindow& window);
  void add_piece(int column, float share, const LaneSpan& span);
  void set_columns(int begin, int end, const LaneSpan& span);
  void mark_idle(const PictureLane& lane, const TimeWindow& window);
  void resolve();
  void fill(QImage& image, int left, int top, int height) const;
  void hatch(QRgb* row, const std::vector<Run>& runs, int left, int y, bool baseline) const;
  static void collect_runs(const std::vector<uint8_t>& pure, const Palette& palette, std::vector<Run>& runs);

  const Palette* palette_ = nullptr;
  Sums of_look_[2 * kFaded];
  bool split_ = false;  // the lane's halves differ; otherwise the lower ones are not filled
  std::vector<Sums> sums_upper_;
  std::vector<Sums> sums_lower_;
  std::vector<uint8_t> pure_upper_;  // [column] the look that fills it, or kMixed
  std::vector<uint8_t> pure_lower_;
  std::vector<uint8_t> edge_;  // [column] 1: the last of a span
  std::vector<QRgb> upper_;
  std::vector<QRgb> lower_;
  std::vector<Run> runs_upper_;
  std::vector<Run> runs_lower_;
  std::vector<float> before_;
  std::vector<float> after_;
  std::vector<LabelPlace> labels_;
  size_t spans_in_view_ = 0;
};

}  // namespace pipeloom
