#pragma once

#include <QRectF>
#include <QString>
#include <cstdint>
#include <optional>
#include <vector>

#include "gui/timeline/picture.h"
#include "gui/timeline/rows.h"
#include "gui/timeline/theme.h"
#include "gui/timeline/time_window.h"

namespace pipeloom::gui {

// A stretch of one lane, or of a rank where `role` is absent.
struct LaneStretch {
  int picture = 0;
  int rank = 0;
  LaneRole role = LaneRole::kPasses;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;

  bool operator==(const LaneStretch&) const = default;
};

// From the end of one stretch to the begin of another.
struct Arrow {
  LaneStretch from;
  LaneStretch to;
};

struct Mark {
  int64_t time_ns = 0;
  QString text;  // empty: a temporary mark

  bool operator==(const Mark&) const = default;
};

// All that a painted timeline depends on.
struct Frame {
  std::vector<const Picture*> pictures;
  Rows rows;
  TimeWindow window;  // of the longest picture; its width is that of the lanes
  const Theme* theme = nullptr;
  int width = 0;   // all of it, with the names of the ranks
  int height = 0;  // with the ruler
  int scroll_y = 0;
  bool normalised = false;  // each picture over its own length

  std::optional<LaneStretch> selected;
  std::optional<LaneStretch> hovered;
  std::vector<Arrow> arrows;
  std::vector<int64_t> hits_ns;  // of a search
  std::vector<Mark> marks;
  std::optional<std::pair<int64_t, int64_t>> measured_ns;

  static constexpr int kNamesWidth = 132;
  static constexpr int kRulerHeight = 26;

  int64_t length_ns() const;
  // The window of one picture: that of the longest, or the same share of its own length.
  TimeWindow window_of(int picture) const;
  // From the top left of the whole frame.
  QRectF rectangle_of(const LaneStretch& stretch) const;
};

}  // namespace pipeloom::gui
