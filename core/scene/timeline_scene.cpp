#include "core/scene/timeline_scene.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/units.h"

namespace pipeloom {

namespace {

constexpr double kMargin = 16;
constexpr double kNameWidth = 64;
constexpr double kTitleHeight = 40;
constexpr double kAxisHeight = 30;
constexpr double kLegendHeight = 34;
constexpr double kLaneGap = 3;
// Width of a digit of the lane's font, relative to its height.
constexpr double kDigitAspect = 0.6;

SceneRole role_of(SlotKind kind) {
  switch (kind) {
    case SlotKind::kF:
      return SceneRole::kForward;
    case SlotKind::kI:
      return SceneRole::kInputBackward;
    case SlotKind::kW:
      return SceneRole::kWeightBackward;
    default:
      return SceneRole::kBackward;
  }
}

class TimelineScene {
 public:
  TimelineScene(const Schedule& schedule, const Timeline& timeline, const TimelineSceneOptions& options)
      : schedule_(schedule), timeline_(timeline), options_(options) {
    scene_.width = options.width;
    scene_.title = options.title;
    scene_.height = lane_y(schedule.ranks()) + kAxisHeight + kLegendHeight + kMargin;
  }

  Scene build(std::span<const IdleInterval> idle) {
    scene_.texts.push_back({kMargin, kMargin + 12, 15, SceneText::Anchor::kStart, options_.title});
    for (int rank = 0; rank < schedule_.ranks(); ++rank) add_lane(rank);
    for (const IdleInterval& interval : idle) add_idle(interval);
    for (int rank = 0; rank < schedule_.ranks(); ++rank) add_slots(rank);
    add_axis();
    add_legend();
    return std::move(scene_);
  }

 private:
  double left() const { return kMargin + kNameWidth; }
  double x_of(int64_t ns) const {
    const double length = static_cast<double>(std::max<int64_t>(timeline_.makespan_ns, 1));
    return left() + (options_.width - left() - kMargin) * static_cast<double>(ns) / length;
  }
  double lane_y(int rank) const { return kTitleHeight + rank * (options_.lane_height + kLaneGap); }

  std::string time_text(int64_t ns) const {
    if (options_.ns_per_unit == 0) return format_duration(ns);
    return format_millionths(
        static_cast<int64_t>(static_cast<double>(ns) * 1e6 / static_cast<double>(options_.ns_per_unit)));
  }

  void add_lane(int rank) {
    scene_.rectangles.push_back({left(), lane_y(rank), x_of(timeline_.makespan_ns) - left(), options_.lane_height,
                                 SceneRole::kLane, 0, "", fmt::format("rank {}", rank)});
    scene_.texts.push_back({left() - 8, lane_y(rank) + options_.lane_height * 0.7, 12, SceneText::Anchor::kEnd,
                            fmt::format("rank {}", rank)});
  }

  void add_idle(const IdleInterval& interval) {
    scene_.rectangles.push_back(
        {x_of(interval.begin_ns), lane_y(interval.rank), x_of(interval.end_ns) - x_of(interval.begin_ns),
         options_.lane_height, SceneRole::kIdle, 0, "",
         fmt::format("idle {}: {}", time_text(interval.duration_ns()), idle_cause_name(interval.cause))});
  }

  void add_slots(int rank) {
    for (uint32_t slot = schedule_.first_slot(rank); slot < schedule_.first_slot(rank + 1); ++slot) {
      const Slot& content = schedule_.slots()[slot];
      if (content.is_pair()) {
        add_pass(rank, slot, SlotKind::kF, content.stage, content.micro_batch, 0, 0.5);
        add_pass(rank, slot, content.backward_kind(), content.backward_stage, content.backward_micro_batch, 0.5, 1);
      } else {
        add_pass(rank, slot, content.kind, content.stage, content.micro_batch, 0, 1);
      }
    }
  }

  // `from` and `to` give the part of the lane's height, from 0 to 1.
  void add_pass(int rank, uint32_t slot, SlotKind kind, int stage, int micro_batch, double from, double to) {
    const int64_t begin_ns = timeline_.start_ns[slot];
    const int64_t end_ns = timeline_.end_ns[slot];
    const double width = x_of(end_ns) - x_of(begin_ns);
    const double height = options_.lane_height * (to - from);
    std::string label = std::to_string(micro_batch);
    if (width < static_cast<double>(label.size()) * std::min(height * 0.8, 12.0) * kDigitAspect + 2) label.clear();
    scene_.rectangles.push_back(
        {x_of(begin_ns), lane_y(rank) + options_.lane_height * from, width, height, role_of(kind),
         schedule_.pipe_of(micro_batch), std::move(label),
         fmt::format("{}: {} to {}", pass_name(kind, micro_batch, stage), time_text(begin_ns), time_text(end_ns))});
  }

  // Adds about ten marks at round times (1, 2 or 5 times a power of ten).
  void add_axis() {
    const double length = static_cast<double>(timeline_.makespan_ns);
    if (length <= 0) return;
    const double magnitude = std::pow(10, std::floor(std::log10(length / 10)));
    double step = magnitude;
    for (const double factor : {2.0, 5.0, 10.0}) {
      if (length / step > 12) step = magnitude * factor;
    }
    const double y = lane_y(schedule_.ranks()) + 16;
    for (double mark = 0; mark <= length + 0.5; mark += step) {
      const int64_t ns = std::llround(mark);
      scene_.texts.push_back({x_of(ns), y, 11, SceneText::Anchor::kMiddle, time_text(ns)});
    }
  }

  void add_legend() {
    struct Entry {
      SceneRole role;
      const char* text;
    };
    std::vector<Entry> entries = {{SceneRole::kForward, "F forward"}, {SceneRole::kBackward, "B backward"}};
    if (schedule_.splits_backward()) {
      entries.push_back({SceneRole::kInputBackward, "I backward for the input"});
      entries.push_back({SceneRole::kWeightBackward, "W backward for the weights"});
    }
    entries.push_back(
        {SceneRole::kIdle, schedule_.placement().pipes() > 1 ? "idle   (darker: every second pipe)" : "idle"});
    double x = left();
    const double y = lane_y(schedule_.ranks()) + kAxisHeight;
    for (const Entry& entry : entries) {
      scene_.rectangles.push_back({x, y, 18, 14, entry.role, 0, "", ""});
      scene_.texts.push_back({x + 24, y + 11, 12, SceneText::Anchor::kStart, entry.text});
      x += 24 + 7.0 * static_cast<double>(std::string_view(entry.text).size()) + 24;
    }
  }

  const Schedule& schedule_;
  const Timeline& timeline_;
  const TimelineSceneOptions& options_;
  Scene scene_;
};

}  // namespace

Scene timeline_scene(const Schedule& schedule, const Timeline& timeline, std::span<const IdleInterval> idle,
                     const TimelineSceneOptions& options) {
  return TimelineScene(schedule, timeline, options).build(idle);
}

}  // namespace pipeloom
