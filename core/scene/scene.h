#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pipeloom {

// What a rectangle shows. A theme turns it into colours and hatches; the SVG writer and the window have one each.
enum class SceneRole : uint8_t {
  kForward,
  kBackward,
  kInputBackward,
  kWeightBackward,
  kIdle,
  kReduction,
  kOptimizer,
  kLane,   // the empty lane behind everything
  kLabel,  // text beside the picture
};

struct SceneRectangle {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
  SceneRole role = SceneRole::kLane;
  int pipe = 0;      // shades tell pipes apart
  std::string text;  // text inside; empty if it does not fit
  std::string tool_tip;

  bool operator==(const SceneRectangle&) const = default;
};

struct SceneText {
  double x = 0;
  double y = 0;  // base line
  double size = 12;
  enum class Anchor : uint8_t { kStart, kMiddle, kEnd } anchor = Anchor::kStart;
  std::string text;

  bool operator==(const SceneText&) const = default;
};

// A picture that no device has drawn yet: rectangles, then texts, in painting order. Pixels from the top left.
struct Scene {
  double width = 0;
  double height = 0;
  std::string title;
  std::vector<SceneRectangle> rectangles;
  std::vector<SceneText> texts;
};

}  // namespace pipeloom
