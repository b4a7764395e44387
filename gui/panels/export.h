#pragma once

#include <QString>
#include <vector>

#include "core/base/result.h"
#include "gui/panels/legend.h"
#include "gui/timeline/frame.h"

namespace pipeloom::gui {

// The frame with its legend as a PNG or an SVG file, by the end of its name. Replaces the file or leaves it as it was.
Status write_picture(const QString& path, Frame frame, const std::vector<LegendEntry>& legend);

}  // namespace pipeloom::gui
