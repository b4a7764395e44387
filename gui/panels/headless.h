#pragma once

#include <QSize>
#include <QString>
#include <QStringList>
#include <optional>
#include <utility>

#include "core/base/result.h"
#include "gui/timeline/plan_picture.h"
#include "gui/timeline/rows.h"
#include "proto/manual/command_page.h"

namespace pipeloom::gui {

// What the command line says.
struct Options {
  QStringList paths;  // the first is shown, further ones are compared
  QString out;        // write a picture instead of showing a window
  QString trace;      // lay over the first
  std::optional<std::pair<int64_t, int64_t>> view_ns;
  QSize size;
  bool dark = false;
  PictureOptions picture;
  RowOptions rows;

  QString manual_folder;  // write the manual into this share folder instead of all that
  proto::CommandPage manual_page;

  QString message;  // to print instead of all that
  int exit_code = 0;
};
// Bad usage is a message with exit code 2.
Options parse_options(const QStringList& arguments);

// "0:40ms", "1.5s:2s", "100us:": a begin and an end, units us, ms (the default) and s; an empty end is the whole's.
Result<std::pair<int64_t, int64_t>> parse_view(const QString& text);
// "1920x1080".
Result<QSize> parse_size(const QString& text);

// Each writes what it is named after, or says what is wrong; returns the exit code.
int draw_picture(const Options& options);
int write_window_manual(const Options& options);

}  // namespace pipeloom::gui
