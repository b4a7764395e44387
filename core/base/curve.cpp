#include "core/base/curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/field_check.h"

namespace pipeloom {

Result<Curve> Curve::create(std::string_view path, std::vector<Point> points) {
  double before = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    PIPELOOM_RETURN_IF_ERROR(check_field(fmt::format("{}[{}].x", path, i), points[i].x, 1e-12, 1e21));
    PIPELOOM_RETURN_IF_ERROR(check_field(fmt::format("{}[{}].y", path, i), points[i].y, 1e-12, 1e21));
    if (points[i].x <= before) {
      return invalid(
          fmt::format("{}[{}].x is {}; it must be above the point before ({})", path, i, points[i].x, before));
    }
    before = points[i].x;
  }
  Curve curve;
  curve.points_ = std::move(points);
  return curve;
}

double Curve::at(double x) const {
  const auto after = std::upper_bound(points_.begin(), points_.end(), x,
                                      [](double value, const Point& point) { return value < point.x; });
  if (after == points_.begin()) return points_.front().y;
  if (after == points_.end()) return points_.back().y;
  const Point& a = *(after - 1);
  const Point& b = *after;
  const double share = std::log(x / a.x) / std::log(b.x / a.x);
  return a.y * std::pow(b.y / a.y, share);
}

}  // namespace pipeloom
