#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pipeloom::gui {

// One bar of a lane. Looks index a Palette (gui/timeline/theme.h); the upper and the lower half differ where a slot is
// an overlapped pair.
struct LaneSpan {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  uint32_t item = 0;  // what it is: a number that the picture's owner understands
  uint8_t upper = 0;
  uint8_t lower = 0;
};
static_assert(sizeof(LaneSpan) == 24, "a picture of 20 million spans shall fit a laptop");

// Which share of any stretch of a lane each look takes, in O(looks), however many spans lie in it: idle time is never
// lost. A pyramid of running totals at the edges of equal time buckets, each level with a quarter of the edges of the
// one below: any level would do, but what a coarse one is asked for lies close together in memory. Between edges totals
// are taken to grow evenly, so ask for stretches of four buckets or more of a level.
class ShareTable {
 public:
  ShareTable() = default;
  // REQUIRES: spans lie within [0, length_ns], sorted and not overlapping. O(spans + buckets).
  ShareTable(std::span<const LaneSpan> spans, int64_t length_ns);

  // Looks that occur, ascending: columns of the table.
  std::span<const uint8_t> looks() const { return looks_; }
  double bucket_ns() const { return bucket_ns_; }
  double length_ns() const { return bucket_ns_ * buckets_; }
  // Whether some span's halves differ; then the lower halves have columns of their own.
  bool split() const { return split_; }
  // Columns of a total: the looks and none besides up to a multiple of four, and where split() as many for the lower
  // halves.
  size_t columns() const { return columns_; }
  // The first column of the lower halves. REQUIRES: split().
  size_t lower_half() const { return columns_ / 2; }
  // The coarsest level whose buckets are at most a quarter of `stretch_ns`.
  int level_for(double stretch_ns) const;
  // Running totals of one level. [edge][column], in parts of the whole lane of kWhole.
  struct Level {
    const int32_t* totals = nullptr;
    int buckets = 0;
  };
  Level level(int number) const {
    const std::vector<int32_t>& edges = levels_[number];
    return {edges.data(), static_cast<int>(edges.size() / columns_) - 1};
  }
  // Time before `time_ns` in which any look runs.
  double busy_before(double time_ns) const;

  static constexpr float kWhole = 2147483520.f;  // the largest float below 2^31: signed numbers convert faster

 private:
  static int buckets_for(size_t spans);
  void add_levels();

  std::vector<uint8_t> looks_;
  double bucket_ns_ = 0;
  int buckets_ = 0;
  bool split_ = false;
  size_t columns_ = 0;
  // [level][edge][column]; edge 0 is the lane's begin.
  std::vector<std::vector<int32_t>> levels_;
};

}  // namespace pipeloom::gui
