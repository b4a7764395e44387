#pragma once

#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace pipeloom {

// A measured function: points with increasing x, straight lines between them over log x and log y, constant outside. An
// empty curve means that nothing was measured.
class Curve {
 public:
  struct Point {
    double x = 0;
    double y = 0;

    bool operator==(const Point&) const = default;
  };

  Curve() = default;
  // Fails if x does not increase or a number is not above 0. Error messages call the field `path`.
  static Result<Curve> create(std::string_view path, std::vector<Point> points);

  bool empty() const { return points_.empty(); }
  const std::vector<Point>& points() const { return points_; }
  // REQUIRES: not empty; x > 0.
  double at(double x) const;

  bool operator==(const Curve&) const = default;

 private:
  std::vector<Point> points_;
};

}  // namespace pipeloom
