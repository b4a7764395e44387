#include "tests/gui/lanes.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace pipeloom::tests {

gui::PictureLane random_lane(size_t spans, double idle, uint32_t seed) {
  std::mt19937 random(seed);
  constexpr int64_t kLongest = 200'000;
  gui::PictureLane lane;
  lane.spans.reserve(spans);
  int64_t time_ns = 0;
  for (size_t i = 0; i < spans; ++i) {
    const int64_t busy = 1000 + static_cast<int64_t>(random() % kLongest);
    // Gaps come in one of four, so that idle time is uneven.
    const double gap = random() % 4 == 0 ? 4 * idle / (1 - idle) : 0;
    time_ns += static_cast<int64_t>(gap * (1000 + static_cast<double>(random() % kLongest)));
    const auto look = static_cast<uint8_t>(random() % 8);
    lane.spans.push_back({time_ns, time_ns + busy, static_cast<uint32_t>(i), look, look});
    time_ns += busy;
  }
  lane.shares = gui::ShareTable(lane.spans, time_ns);
  return lane;
}

double idle_share(const gui::PictureLane& lane, int64_t begin_ns, int64_t end_ns) {
  int64_t busy_ns = 0;
  for (const gui::LaneSpan& span : lane.spans) {
    busy_ns += std::max<int64_t>(0, std::min(span.end_ns, end_ns) - std::max(span.begin_ns, begin_ns));
  }
  return 1 - static_cast<double>(busy_ns) / static_cast<double>(end_ns - begin_ns);
}

int64_t end_of(const gui::PictureLane& lane) {
  return lane.spans.back().end_ns;
}

gui::Picture random_picture(int lanes, size_t spans_per_lane) {
  gui::Picture picture;
  picture.title = "random";
  for (int rank = 0; rank < lanes; ++rank) {
    gui::RankPicture content;
    content.lanes.push_back(random_lane(spans_per_lane, 0.2, static_cast<uint32_t>(rank) + 1));
    picture.length_ns = std::max(picture.length_ns, end_of(content.lanes.back()));
    picture.ranks.push_back(std::move(content));
  }
  picture.label = [](const gui::Picture&, const gui::PictureLane&, const gui::LaneSpan& span, bool) {
    return fmt::format("F{}", span.item % 1000);
  };
  picture.time_text = [](int64_t ns) { return std::to_string(ns); };
  return picture;
}

}  // namespace pipeloom::tests
