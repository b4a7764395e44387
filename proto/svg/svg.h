#pragma once

#include <string>

#include "core/scene/scene.h"

namespace pipeloom::proto {

// The scene as an SVG document with tool tips. Passes differ in lightness and, for W and idle, in hatch, not in hue
// alone.
std::string to_svg(const Scene& scene);

}  // namespace pipeloom::proto
