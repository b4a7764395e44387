#pragma once

#include <string>

#include "planner/subject/subject.h"

namespace pipeloom::planner {

// Draws the subject's timeline, `width` pixels wide, as an SVG document.
std::string subject_svg(const Subject& subject, int width);

}  // namespace pipeloom::planner
