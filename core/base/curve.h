#pragma once

#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace pipeloom {

// A measured dependence: points with increasing x, straight lines between them over log x and log y, constant outside.
// Empty: nothing was measured.
class Curve {
 public:
  struct Point {
    double x = 0;
    double y = 0;

    bool operator==(const Point&) const = default;
  };

  Curve() = default;
  // Errors name the field `path`: x not increasing, or a number that is not above 0.
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
