#pragma once

#include <string>
#include <vector>

namespace pipeloom::proto {

// A point of a picture that holds predictions against measurements, both above 0.
struct ScatterPoint {
  double measured = 0;
  double predicted = 0;
  std::string group;  // its colour and shape
  std::string name;   // its tool tip
};

// Points on logarithmic axes, the line where both are equal, the band within 10 % of it, and a legend of the groups.
// Empty without points.
std::string scatter_to_svg(const std::string& unit, const std::vector<ScatterPoint>& points);

}  // namespace pipeloom::proto
