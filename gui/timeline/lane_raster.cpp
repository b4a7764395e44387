#include "gui/timeline/lane_raster.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace pipeloom::gui {

namespace {

// Up to so many spans a column are looked at one by one; it costs as much as reading the table.
constexpr size_t kSpansPerColumn = 2;
constexpr double kEdgeFrom = 3;   // pixels: narrower spans have no edge
constexpr double kLabelFrom = 9;  // pixels: narrower spans have no label
constexpr int kHatchFrom = 3;     // columns: a hatch in fewer is no hatch
constexpr size_t kAhead = 16;     // columns
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

LaneRaster::Vec4 LaneRaster::as_vector(QRgb colour) {
  return Vec4{static_cast<float>(qBlue(colour)), static_cast<float>(qGreen(colour)), static_cast<float>(qRed(colour)),
              1.f};
}

void LaneRaster::reset(const Palette& palette, int columns) {
  for (size_t name = 0; name < palette.looks.size(); ++name) {
    const QRgb fill = palette.looks[name].fill;
    of_look_[name] = as_vector(fill);
  }
  palette_ = &palette;
  sums_upper_.assign(columns, Vec4{});
  if (split_) sums_lower_.assign(columns, Vec4{});
  pure_upper_.assign(columns, kMixed);
  pure_lower_.assign(columns, kMixed);
  edge_.assign(columns, 0);
  upper_.resize(columns);
  lower_.resize(columns);
  labels_.clear();
}

void LaneRaster::add_table(const ShareTable& shares, const TimeWindow& window) {
  const ShareTable::Level level = shares.level(shares.level_for(window.ns_per_pixel()));
  place_edges(shares, level, window);
  // Parts of the lane in shares of a pixel column.
  const auto scale = static_cast<float>(shares.length_ns() / window.ns_per_pixel()) / ShareTable::kWhole;
  const auto looks = shares.looks();
  const size_t stride = shares.columns();
  add_looks(level.totals, stride, looks, scale, sums_upper_, pure_upper_);
  if (split_) add_looks(level.totals + shares.lower_half(), stride, looks, scale, sums_lower_, pure_lower_);
}

void LaneRaster::place_edges(const ShareTable& shares, const ShareTable::Level& level, const TimeWindow& window) {
  const double buckets_per_ns = level.buckets / shares.length_ns();
  const double first = window.begin_ns * buckets_per_ns;
  const double step = window.ns_per_pixel() * buckets_per_ns;
  places_.resize(upper_.size() + 1);
  for (size_t column = 0; column < places_.size(); ++column) {
    const double place =
        std::clamp(first + static_cast<double>(column) * step, 0.0, static_cast<double>(level.buckets));
    const int edge = std::min(static_cast<int>(place), level.buckets - 1);
    places_[column] = {static_cast<size_t>(edge), static_cast<float>(place - edge)};
  }
}

// Four looks at a time over all columns, so that their colours and totals stay in registers.
void LaneRaster::add_looks(const int32_t* totals, size_t stride, std::span<const uint8_t> looks, float scale,
                           std::vector<Vec4>& sums, std::vector<uint8_t>& pure) const {
  using Totals = int32_t __attribute__((vector_size(16)));
  for (size_t group = 0; group < looks.size(); group += 4) {
    const size_t count = std::min<size_t>(4, looks.size() - group);
    Vec4 colours[4] = {};
    for (size_t i = 0; i < count; ++i) colours[i] = of_look_[looks[group + i]];
    const auto totals_at = [&](const EdgePlace& place) {
      Totals low;
      Totals high;
      std::memcpy(&low, totals + place.edge * stride + group, sizeof low);
      std::memcpy(&high, totals + (place.edge + 1) * stride + group, sizeof high);
      const Vec4 from = __builtin_convertvector(low, Vec4);
      return from + place.part * (__builtin_convertvector(high, Vec4) - from);
    };
    Vec4 before = totals_at(places_[0]);
    for (size_t column = 0; column < sums.size(); ++column) {
      // Columns lie some hundred bytes apart in a table of megabytes: each would wait for memory.
      __builtin_prefetch(totals + places_[std::min(column + kAhead, sums.size())].edge * stride + group);
      const Vec4 after = totals_at(places_[column + 1]);
      const Vec4 share = (after - before) * scale;
      before = after;
      const Vec4 mixed =
          share[0] * colours[0] + share[1] * colours[1] + (share[2] * colours[2] + share[3] * colours[3]);
      sums[column] += mixed;
      if (mixed[3] <= kWholeShare) continue;
      for (size_t i = 0; i < count; ++i) {
        if (share[i] > kWholeShare) pure[column] = looks[group + i];
      }
    }
  }
}

QRgb LaneRaster::colour_of(Vec4 sums, Vec4 background) {
  const float share = sums[3];
  const Vec4 colour = share > 1 ? sums / share : sums + (1 - share) * background;
  using Bytes = uint8_t __attribute__((vector_size(4)));
  using Ints = int32_t __attribute__((vector_size(16)));
  const Bytes bytes = __builtin_convertvector(__builtin_convertvector(colour + 0.5f, Ints), Bytes);
  return qRgb(bytes[2], bytes[1], bytes[0]);
}

void LaneRaster::add_piece(int column, float share, const LaneSpan& span) {
  sums_upper_[column] += share * of_look_[span.upper];
  if (split_) sums_lower_[column] += share * of_look_[span.lower];
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
  const Vec4 background = as_vector(palette_->lane);
  for (size_t column = 0; column < upper_.size(); ++column) {
    upper_[column] = colour_of(sums_upper_[column], background);
  }
  if (split_) {
    for (size_t column = 0; column < lower_.size(); ++column) {
      lower_[column] = colour_of(sums_lower_[column], background);
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
  if (split_) {
    collect_runs(pure_lower_, *palette_, runs_lower_);
  } else {
    runs_lower_ = runs_upper_;
  }
}

// Runs of columns that something is drawn over: a hatch, or the base line of odd pipes.
void LaneRaster::collect_runs(const std::vector<uint8_t>& pure, const Palette& palette, std::vector<Run>& runs) {
  runs.clear();
  const auto columns = static_cast<int>(pure.size());
  for (int begin = 0; begin < columns;) {
    if (pure[begin] == kMixed) {
      ++begin;
      continue;
    }
    int end = begin + 1;
    while (end < columns && pure[end] == pure[begin]) ++end;
    const uint8_t look = pure[begin];
    const bool drawn_over = has_base_line(look) || palette.looks[look].hatch != Hatch::kNone;
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
    // Masks, not a branch a pixel: which bits are set is what a branch predictor guesses worst.
    for (int x = run.begin; x < run.end; ++x) {
      const QRgb inked = 0u - ((bits >> ((x + left) & 7)) & 1u);
      row[x] = (row[x] & ~inked) | (look.ink & inked);
    }
  }
}

void LaneRaster::fill(QImage& image, int left, int top, int height) const {
  constexpr int kBaselineFrom = 12;  // lower lanes have no room for it
  const size_t bytes = upper_.size() * sizeof(QRgb);
  uchar* const pixels = image.bits();
  for (int y = 0; y < height; ++y) {
    const bool is_upper = 2 * y < height;
    auto* row = reinterpret_cast<QRgb*>(pixels + (top + y) * image.bytesPerLine()) + left;
    std::memcpy(row, is_upper ? upper_.data() : lower_.data(), bytes);
    const bool baseline = height >= kBaselineFrom && y >= height - 2;
    hatch(row, is_upper ? runs_upper_ : runs_lower_, left, top + y, baseline);
  }
}

}  // namespace pipeloom::gui
