#include "proto/svg/scatter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "proto/svg/escaped_xml.h"

namespace pipeloom::proto {

namespace {

constexpr double kSide = 640;  // of the plot
constexpr double kLeft = 70;
constexpr double kTop = 20;
constexpr double kBelow = 60;
constexpr double kLegend = 230;

constexpr const char* kColours[] = {"#2f6db5", "#d98e1f", "#5fa671", "#8e5fb0", "#c0392b",
                                    "#16a3a3", "#7f6a4a", "#444444", "#e07bb0"};
constexpr int kShapes = 3;  // circle, square, diamond

// The same axis twice: a logarithm from the least to the largest value, with some room.
class Axis {
 public:
  explicit Axis(const std::vector<ScatterPoint>& points) {
    const auto logs = [](const ScatterPoint& point) {
      return std::minmax({std::log10(point.measured), std::log10(point.predicted)});
    };
    low_ = high_ = std::log10(points.front().measured);
    for (const ScatterPoint& point : points) {
      low_ = std::min(low_, logs(point).first);
      high_ = std::max(high_, logs(point).second);
    }
    low_ -= 0.1;
    high_ += 0.1;
  }
  double place(double value) const { return kSide * (std::log10(value) - low_) / (high_ - low_); }
  double x(double value) const { return kLeft + place(value); }
  double y(double value) const { return kTop + kSide - place(value); }
  double least() const { return std::pow(10, low_); }
  double most() const { return std::pow(10, high_); }

 private:
  double low_;
  double high_;
};

using Out = std::back_insert_iterator<std::string>;

// 1, 2 and 5 of every decade.
void append_grid(std::string& out, const Axis& axis) {
  for (double decade = std::pow(10, std::floor(std::log10(axis.least()))); decade < axis.most(); decade *= 10) {
    for (const double value : {decade, 2 * decade, 5 * decade}) {
      if (value < axis.least() || value > axis.most()) continue;
      fmt::format_to(Out(out),
                     R"svg(<path d="M{0:.1f} {1:.1f}V{2:.1f}M{3:.1f} {4:.1f}H{5:.1f}" stroke="#e0e0e0"/>)svg"
                     R"svg(<text x="{0:.1f}" y="{6:.1f}" text-anchor="middle">{7:g}</text>)svg"
                     R"svg(<text x="{8:.1f}" y="{9:.1f}" text-anchor="end">{7:g}</text>)svg"
                     "\n",
                     axis.x(value), kTop, kTop + kSide, kLeft, axis.y(value), kLeft + kSide, kTop + kSide + 18, value,
                     kLeft - 8, axis.y(value) + 4);
    }
  }
}

// Where predictions are right, and 10 % around.
void append_band(std::string& out, const Axis& axis) {
  fmt::format_to(
      Out(out),
      R"svg(<clipPath id="plot"><rect x="{0}" y="{1}" width="{2}" height="{2}"/></clipPath>)svg"
      R"svg(<g clip-path="url(#plot)"><path d="M{3:.1f} {4:.1f}L{5:.1f} {6:.1f}L{5:.1f} {7:.1f}L{3:.1f} {8:.1f}Z" )svg"
      R"svg(fill="#2f6db5" fill-opacity="0.12"/><path d="M{3:.1f} {9:.1f}L{5:.1f} {10:.1f}" stroke="#555"/></g>)svg"
      "\n",
      kLeft, kTop, kSide, axis.x(axis.least()), axis.y(1.1 * axis.least()), axis.x(axis.most()),
      axis.y(1.1 * axis.most()), axis.y(0.9 * axis.most()), axis.y(0.9 * axis.least()), axis.y(axis.least()),
      axis.y(axis.most()));
}

void append_mark(std::string& out, double x, double y, int group, const std::string& name) {
  const char* colour = kColours[static_cast<size_t>(group) % std::size(kColours)];
  const std::string title = name.empty() ? "" : "<title>" + escaped_xml(name) + "</title>";
  switch (group % kShapes) {
    case 0:
      fmt::format_to(Out(out),
                     R"svg(<circle cx="{:.1f}" cy="{:.1f}" r="4" fill="{}" fill-opacity="0.75">{}</circle>)svg", x, y,
                     colour, title);
      break;
    case 1:
      fmt::format_to(
          Out(out), R"svg(<rect x="{:.1f}" y="{:.1f}" width="7" height="7" fill="{}" fill-opacity="0.75">{}</rect>)svg",
          x - 3.5, y - 3.5, colour, title);
      break;
    default:
      fmt::format_to(Out(out),
                     R"svg(<path d="M{:.1f} {:.1f}l5 5l-5 5l-5 -5Z" fill="{}" fill-opacity="0.75">{}</path>)svg", x,
                     y - 5, colour, title);
  }
  out += '\n';
}

}  // namespace

std::string scatter_to_svg(const std::string& unit, const std::vector<ScatterPoint>& points) {
  if (points.empty()) return "";
  const Axis axis(points);
  std::map<std::string, int> groups;
  for (const ScatterPoint& point : points) groups.try_emplace(point.group, 0);
  int next = 0;
  for (auto& [name, number] : groups) number = next++;
  std::string out = fmt::format(
      R"svg(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" font-family="sans-serif" font-size="13">)svg"
      R"svg(<rect width="{0}" height="{1}" fill="#ffffff"/>)svg"
      "\n",
      kLeft + kSide + kLegend, kTop + kSide + kBelow);
  append_grid(out, axis);
  append_band(out, axis);
  for (const ScatterPoint& point : points) {
    const std::string tip =
        fmt::format("{}: measured {:.4g} {}, predicted {:.4g} {} ({:+.1f} %)", point.name, point.measured, unit,
                    point.predicted, unit, 100 * (point.predicted / point.measured - 1));
    append_mark(out, axis.x(point.measured), axis.y(point.predicted), groups.at(point.group), tip);
  }
  double y = kTop + 12;
  for (const auto& [name, number] : groups) {
    append_mark(out, kLeft + kSide + 20, y, number, "");
    fmt::format_to(Out(out), "<text x=\"{}\" y=\"{}\">{}</text>\n", kLeft + kSide + 32, y + 4, escaped_xml(name));
    y += 20;
  }
  fmt::format_to(
      Out(out),
      "<text x=\"{0}\" y=\"{1}\" text-anchor=\"middle\">measured, {2}</text>\n"
      "<text x=\"16\" y=\"{3}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {3})\">predicted, {2}</text>\n"
      "</svg>\n",
      kLeft + kSide / 2, kTop + kSide + 44, escaped_xml(unit), kTop + kSide / 2);
  return out;
}

}  // namespace pipeloom::proto
