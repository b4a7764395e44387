#include "gui/timeline/lane_raster.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace pipeloom {

namespace {

// Up to so many spans a column are looked at one by one; it costs as much as reading the table.
constexpr size_t kSpansPerColumn = 2;
constexpr double kEdgeFrom = 3;   // pixels: narrower spans have no edge
constexpr double kLabelFrom = 9;  // pixels: narrower spans have no label
constexpr int kHatchFrom = 2;     // columns: a hatch in one is no hatch
// A column with so much of one look counts as all of it.
constexpr float kWholeShare = 0.999f;

bool has_base_line(uint8_t look) {
  return look % kFaded < kLookDispatch && look % 2 == 1;
}

template <typename Spans>
std::pair<const LaneSpan*, const LaneSpan*> in_view(const Spans& spans, const TimeWindow& window) {
  const auto begin = std::partition_point(spans.begin(), spans.end(), [&](const LaneSpan& span) {
    return static_cast<double>(span.end_ns) <= window.begin_ns;
  });
  const auto end = std::partition_point(
      begin, spans.end(), [&](const LaneSpan& span) { return static_cast<double>(span.begin_ns) < window.end_ns; });
  return {spans.data() + (begin - spans.begin()), spans.data() + (end - spans.begin())};
}

QRgb colour_of(const float* sums, QRgb lane) {
  if (sums[3] == 0) return lane;
  const float rest = std::max(0.f, 1 - sums[3]);
  const float scale = sums[3] > 1 ? 1 / sums[3] : 1;
  const auto channel = [&](float sum, int background) {
    return static_cast<int>(sum * scale + rest * static_cast<float>(background) + 0.5f);
  };
  return qRgb(channel(sums[0], qRed(lane)), channel(sums[1], qGreen(lane)), channel(sums[2], qBlue(lane)));
}

}  // namespace

void LaneRaster::paint(const PictureLane& lane, const TimeWindow& window, const Palette& palette, QImage& image,
                       int left, int top, int height) {
  split_ = lane.shares.split();
  reset(palette, static_cast<int>(window.width));
  const auto [begin, end] = in_view(lane.spans, window);
  spans_in_view_ = static_cast<size_t>(end - begin);
  const bool few = spans_in_view_ <= kSpansPerColumn * upper_.size();
  if (few || window.ns_per_pixel() < lane.shares.bucket_ns()) {
    add_spans(begin, end, window);
  } else {
    add_table(lane.shares, window);
  }
  mark_idle(lane, window);
  resolve();
  fill(image, left, top, height);
}

void LaneRaster::reset(const Palette& palette, int columns) {
  for (size_t name = 0; name < palette.looks.size(); ++name) {
    const QRgb fill = palette.looks[name].fill;
    of_look_[name] = {
        {static_cast<float>(qRed(fill)), static_cast<float>(qGreen(fill)), static_cast<float>(qBlue(fill)), 1.f}};
  }
  palette_ = &palette;
  sums_upper_.assign(columns, Sums{});
  if (split_) sums_lower_.assign(columns, Sums{});
  pure_upper_.assign(columns, kMixed);
  pure_lower_.assign(columns, kMixed);
  edge_.assign(columns, 0);
  upper_.resize(columns);
  lower_.resize(columns);
  labels_.clear();
}

void LaneRaster::add_table(const ShareTable& shares, const TimeWindow& window) {
  const auto looks = shares.looks();
  const size_t width = shares.columns();
  const ShareTable::Level level = shares.level(shares.level_for(window.ns_per_pixel()));
  // Pixel columns in buckets of the level, and parts of the lane in shares of a pixel column.
  const double buckets_per_ns = level.buckets / shares.length_ns();
  const double first = window.begin_ns * buckets_per_ns;
  const double step = window.ns_per_pixel() * buckets_per_ns;
  const auto scale = static_cast<float>(level.buckets / step) / ShareTable::kWhole;
  const auto read_totals = [&](double place, float* totals) {
    const double clamped = std::clamp(place, 0.0, static_cast<double>(level.buckets));
    const int edge = std::min(static_cast<int>(clamped), level.buckets - 1);
    const auto part = static_cast<float>(clamped - edge);
    const int32_t* low = level.totals + static_cast<size_t>(edge) * width;
    const int32_t* high = low + width;
    for (size_t i = 0; i < width; ++i) {
      totals[i] = static_cast<float>(low[i]) + part * static_cast<float>(high[i] - low[i]);
    }
  };
  const auto mix = [&](const float* after, const float* before, uint8_t& pure) {
    Sums sums;
    for (size_t i = 0; i < looks.size(); ++i) {
      const float share = (after[i] - before[i]) * scale;
      sums.add(of_look_[looks[i]], share);
      if (share > kWholeShare) pure = looks[i];
    }
    return sums;
  };
  before_.resize(width);
  after_.resize(width);
  read_totals(first, before_.data());
  for (size_t column = 0; column < upper_.size(); ++column) {
    read_totals(first + static_cast<double>(column + 1) * step, after_.data());
    sums_upper_[column] = mix(after_.data(), before_.data(), pure_upper_[column]);
    if (split_) {
      sums_lower_[column] = mix(after_.data() + looks.size(), before_.data() + looks.size(), pure_lower_[column]);
    }
    std::swap(before_, after_);
  }
}

void LaneRaster::add_piece(int column, float share, const LaneSpan& span) {
  sums_upper_[column].add(of_look_[span.upper], share);
  if (split_) sums_lower_[column].add(of_look_[span.lower], share);
  // Columns that are filled but for a rounding count as pure too, or hatches would have holes at their ends.
  if (share <= kWholeShare) return;
  pure_upper_[column] = span.upper;
  pure_lower_[column] = span.lower;
}

void LaneRaster::set_columns(int begin, int end, const LaneSpan& span) {
  if (begin >= end) return;
  std::fill(sums_upper_.begin() + begin, sums_upper_.begin() + end, of_look_[span.upper]);
  if (split_) std::fill(sums_lower_.begin() + begin, sums_lower_.begin() + end, of_look_[span.lower]);
  std::fill(pure_upper_.begin() + begin, pure_upper_.begin() + end, span.upper);
  std::fill(pure_lower_.begin() + begin, pure_lower_.begin() + end, span.lower);
}

void LaneRaster::add_spans(const LaneSpan* begin, const LaneSpan* end, const TimeWindow& window) {
  const double pixels_per_ns = window.width / window.length_ns();
  const double origin = window.begin_ns * pixels_per_ns;
  const int last_column = static_cast<int>(upper_.size()) - 1;
  for (const LaneSpan* span = begin; span != end; ++span) {
    const double x0 = std::max(static_cast<double>(span->begin_ns) * pixels_per_ns - origin, 0.0);
    const double x1 = std::min(static_cast<double>(span->end_ns) * pixels_per_ns - origin, window.width);
    if (x1 <= x0) continue;
    const int first = std::min(static_cast<int>(x0), last_column);
    const int last = std::min(static_cast<int>(x1), last_column);
    if (first == last) {
      add_piece(first, static_cast<float>(x1 - x0), *span);
      continue;
    }
    add_piece(first, static_cast<float>(first + 1 - x0), *span);
    add_piece(last, static_cast<float>(x1 - last), *span);
    set_columns(first + 1, last, *span);
    if (x1 - x0 >= kEdgeFrom && x1 < window.width) edge_[std::max(first, static_cast<int>(x1 + 0.5) - 1)] = 1;
    if (x1 - x0 >= kLabelFrom) {
      labels_.push_back({static_cast<int>(std::ceil(x0)), static_cast<int>(x1 + 0.5) - 1, span});
    }
  }
}

// Columns that lie within one bubble show its cause.
void LaneRaster::mark_idle(const PictureLane& lane, const TimeWindow& window) {
  const auto [begin, end] = in_view(lane.idle, window);
  if (static_cast<size_t>(end - begin) > kSpansPerColumn * upper_.size()) return;
  for (const LaneSpan* span = begin; span != end; ++span) {
    const double x0 = std::max(window.x_of(static_cast<double>(span->begin_ns)), 0.0);
    const double x1 = std::min(window.x_of(static_cast<double>(span->end_ns)), window.width);
    for (int column = static_cast<int>(std::ceil(x0)); column < static_cast<int>(x1); ++column) {
      pure_upper_[column] = span->upper;
      pure_lower_[column] = span->lower;
    }
  }
}

void LaneRaster::resolve() {
  for (size_t column = 0; column < upper_.size(); ++column) {
    upper_[column] = colour_of(sums_upper_[column].values, palette_->lane);
  }
  if (split_) {
    for (size_t column = 0; column < lower_.size(); ++column) {
      lower_[column] = colour_of(sums_lower_[column].values, palette_->lane);
    }
  } else {
    lower_ = upper_;
  }
  for (size_t column = 0; column < upper_.size(); ++column) {
    if (edge_[column] == 0) continue;
    const size_t inside = column > 0 ? column - 1 : column;
    if (const uint8_t look = pure_upper_[inside]; look != kMixed) upper_[column] = palette_->looks[look].ink;
    if (const uint8_t look = pure_lower_[inside]; look != kMixed) lower_[column] = palette_->looks[look].ink;
    pure_upper_[column] = kMixed;
    pure_lower_[column] = kMixed;
  }
  collect_runs(pure_upper_, *palette_, runs_upper_);
  collect_runs(pure_lower_, *palette_, runs_lower_);
}

// Runs of columns that something is drawn over: a hatch, or the base line of odd pipes.
void LaneRaster::collect_runs(const std::vector<uint8_t>& pure, const Palette& palette, std::vector<Run>& runs) {
  runs.clear();
  const auto columns = static_cast<int>(pure.size());
  for (int begin = 0; begin < columns;) {
    int end = begin + 1;
    while (end < columns && pure[end] == pure[begin]) ++end;
    const uint8_t look = pure[begin];
    const bool drawn_over = look != kMixed && (has_base_line(look) || palette.looks[look].hatch != Hatch::kNone);
    if (drawn_over && end - begin >= kHatchFrom) runs.push_back({begin, end, look});
    begin = end;
  }
}

void LaneRaster::hatch(QRgb* row, const std::vector<Run>& runs, int left, int y, bool baseline) const {
  for (const Run& run : runs) {
    const Look& look = palette_->looks[run.look];
    if (baseline && has_base_line(run.look)) {
      std::fill(row + run.begin, row + run.end, look.ink);
      continue;
    }
    const uint8_t bits = hatch_row(look.hatch, y);
    if (bits == 0) continue;
    for (int x = run.begin; x < run.end; ++x) {
      if (((bits >> ((x + left) & 7)) & 1) != 0) row[x] = look.ink;
    }
  }
}

void LaneRaster::fill(QImage& image, int left, int top, int height) const {
  constexpr int kBaselineFrom = 12;  // lower lanes have no room for it
  const size_t bytes = upper_.size() * sizeof(QRgb);
  for (int y = 0; y < height; ++y) {
    const bool is_upper = 2 * y < height;
    auto* row = reinterpret_cast<QRgb*>(image.scanLine(top + y)) + left;
    std::memcpy(row, is_upper ? upper_.data() : lower_.data(), bytes);
    const bool baseline = height >= kBaselineFrom && y >= height - 2;
    hatch(row, is_upper ? runs_upper_ : runs_lower_, left, top + y, baseline);
  }
}

}  // namespace pipeloom
