#include "gui/timeline/share_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace pipeloom::gui {

namespace {

constexpr int kFactor = 4;  // between levels
constexpr int kFewestBuckets = 64;

}  // namespace

// At most three spans a bucket, for finer stretches are painted span by span. 2^17 buckets of eight looks are 4 MB a
// lane.
int ShareTable::buckets_for(size_t spans) {
  return static_cast<int>(std::clamp<size_t>(std::bit_ceil(spans / 3 + 1), kFewestBuckets, size_t{1} << 17));
}

ShareTable::ShareTable(std::span<const LaneSpan> spans, int64_t length_ns) {
  if (spans.empty() || length_ns <= 0) return;
  std::array<bool, 256> occurs = {};
  for (const LaneSpan& span : spans) {
    occurs[span.upper] = true;
    occurs[span.lower] = true;
    split_ = split_ || span.upper != span.lower;
  }
  std::array<uint8_t, 256> column = {};
  for (size_t look = 0; look < occurs.size(); ++look) {
    if (!occurs[look]) continue;
    column[look] = static_cast<uint8_t>(looks_.size());
    looks_.push_back(static_cast<uint8_t>(look));
  }
  buckets_ = buckets_for(spans.size());
  bucket_ns_ = static_cast<double>(length_ns) / buckets_;
  columns_ = (looks_.size() + 3) / 4 * 4 * (split_ ? 2 : 1);
  std::vector<int32_t> totals((static_cast<size_t>(buckets_) + 1) * columns_);

  // Exact totals so far, written down whenever an edge is passed.
  std::vector<double> sum(columns_, 0);
  int edge = 0;
  const double unit = kWhole / static_cast<double>(length_ns);
  const auto write_edges_up_to = [&](double time_ns) {
    while (edge <= buckets_ && edge * bucket_ns_ <= time_ns) {
      for (size_t i = 0; i < columns_; ++i) {
        totals[static_cast<size_t>(edge) * columns_ + i] = static_cast<int32_t>(sum[i] * unit);
      }
      ++edge;
    }
  };
  for (const LaneSpan& span : spans) {
    const auto begin = static_cast<double>(span.begin_ns);
    const auto end = static_cast<double>(span.end_ns);
    write_edges_up_to(begin);
    const size_t upper = column[span.upper];
    const size_t lower = lower_half() + column[span.lower];
    double from = begin;
    while (edge <= buckets_ && edge * bucket_ns_ < end) {
      const double until = edge * bucket_ns_;
      sum[upper] += until - from;
      if (split_) sum[lower] += until - from;
      from = until;
      write_edges_up_to(until);
    }
    sum[upper] += end - from;
    if (split_) sum[lower] += end - from;
  }
  while (edge <= buckets_) write_edges_up_to(edge * bucket_ns_);
  levels_.push_back(std::move(totals));
  add_levels();
}

void ShareTable::add_levels() {
  for (int buckets = buckets_ / kFactor; buckets >= kFewestBuckets; buckets /= kFactor) {
    const std::vector<int32_t>& below = levels_.back();
    std::vector<int32_t> totals((static_cast<size_t>(buckets) + 1) * columns_);
    for (size_t edge = 0; edge <= static_cast<size_t>(buckets); ++edge) {
      std::copy_n(below.begin() + static_cast<ptrdiff_t>(edge * kFactor * columns_), columns_,
                  totals.begin() + static_cast<ptrdiff_t>(edge * columns_));
    }
    levels_.push_back(std::move(totals));
  }
}

int ShareTable::level_for(double stretch_ns) const {
  int level = 0;
  double bucket_ns = bucket_ns_ * kFactor;
  while (level + 1 < static_cast<int>(levels_.size()) && bucket_ns <= stretch_ns / 4) {
    ++level;
    bucket_ns *= kFactor;
  }
  return level;
}

double ShareTable::busy_before(double time_ns) const {
  const Level finest = level(0);
  const double place = std::clamp(time_ns / bucket_ns_, 0.0, static_cast<double>(buckets_));
  const int edge = std::min(static_cast<int>(place), buckets_ - 1);
  const int32_t* low = finest.totals + static_cast<size_t>(edge) * columns_;
  double sum = 0;
  for (size_t i = 0; i < looks_.size(); ++i) {
    sum += low[i] + (place - edge) * (static_cast<double>(low[columns_ + i]) - low[i]);
  }
  return sum / kWhole * length_ns();
}

}  // namespace pipeloom::gui
