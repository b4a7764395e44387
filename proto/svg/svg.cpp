#include "proto/svg/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "proto/svg/escaped_xml.h"

namespace pipeloom::proto {

namespace {

struct Style {
  const char* fill;
  const char* alternate_fill;  // of every second pipe
  const char* text;
};

// Indexed by SceneRole. Text on its fill has a contrast of at least 4.5.
constexpr std::array<Style, 9> kStyles = {{
    {"#2f6db5", "#174a86", "#ffffff"},        // F
    {"#f2b84b", "#d98e1f", "#1b1b1b"},        // B
    {"#f7d794", "#eebf62", "#1b1b1b"},        // I
    {"#8fc79a", "#5fa671", "#1b1b1b"},        // W
    {"url(#idle)", "url(#idle)", "#1b1b1b"},  // idle
    {"#b39ddb", "#b39ddb", "#1b1b1b"},        // gradient reduction
    {"#cfd8dc", "#cfd8dc", "#1b1b1b"},        // optimizer
    {"#f4f4f4", "#f4f4f4", "#1b1b1b"},        // lane
    {"none", "none", "#1b1b1b"},              // label
}};

void append_rectangle(std::string& out, const SceneRectangle& rectangle) {
  const Style& style = kStyles[static_cast<size_t>(rectangle.role)];
  const bool outlined = rectangle.role < SceneRole::kIdle && rectangle.width > 3;
  fmt::format_to(std::back_inserter(out), R"(<rect x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" fill="{}"{}>)",
                 rectangle.x, rectangle.y, rectangle.width, rectangle.height,
                 rectangle.pipe % 2 == 0 ? style.fill : style.alternate_fill,
                 outlined ? R"( stroke="#ffffff" stroke-width="0.6")" : "");
  if (!rectangle.tool_tip.empty()) out += "<title>" + escaped_xml(rectangle.tool_tip) + "</title>";
  out += "</rect>\n";
  if (rectangle.text.empty()) return;
  const double size = std::min(rectangle.height * 0.8, 12.0);
  fmt::format_to(std::back_inserter(out),
                 R"(<text x="{:.2f}" y="{:.2f}" font-size="{:.1f}" text-anchor="middle" fill="{}">{}</text>)"
                 "\n",
                 rectangle.x + rectangle.width / 2, rectangle.y + rectangle.height / 2 + size * 0.36, size, style.text,
                 escaped_xml(rectangle.text));
}

void append_text(std::string& out, const SceneText& text) {
  static constexpr std::array<const char*, 3> kAnchors = {"start", "middle", "end"};
  fmt::format_to(std::back_inserter(out),
                 R"(<text x="{:.2f}" y="{:.2f}" font-size="{:.1f}" text-anchor="{}" fill="#1b1b1b">{}</text>)"
                 "\n",
                 text.x, text.y, text.size, kAnchors[static_cast<size_t>(text.anchor)], escaped_xml(text.text));
}

}  // namespace

std::string to_svg(const Scene& scene) {
  std::string out = fmt::format(
      R"svg(<svg xmlns="http://www.w3.org/2000/svg" width="{0:.0f}" height="{1:.0f}" viewBox="0 0 {0:.0f} {1:.0f}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif">
<title>{2}</title>
<defs><pattern id="idle" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="#ffffff"/><rect width="1.5" height="6" fill="#c9c9c9"/></pattern></defs>
<rect width="100%" height="100%" fill="#ffffff"/>
)svg",
      scene.width, scene.height, escaped_xml(scene.title));
  for (const SceneRectangle& rectangle : scene.rectangles) append_rectangle(out, rectangle);
  for (const SceneText& text : scene.texts) append_text(out, text);
  out += "</svg>\n";
  return out;
}

}  // namespace pipeloom::proto
