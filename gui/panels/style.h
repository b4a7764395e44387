#pragma once

#include <QApplication>

#include "gui/timeline/theme.h"

namespace pipeloom::gui {

// Colours, spacing and shapes of all widgets.
void apply_theme(QApplication& application, const Theme& theme);
// What the desktop asks for, by the lightness of its windows.
bool prefers_dark(const QPalette& palette);

}  // namespace pipeloom::gui
