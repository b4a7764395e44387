#pragma once

#include <QCommandLineOption>
#include <QList>
#include <QString>

#include "proto/manual/command_page.h"

namespace pipeloom::gui {

// The manual page of pipeloom-gui, from its table of options. Hidden options are left out.
proto::CommandPage window_page(const QString& description, const QList<QCommandLineOption>& options);

}  // namespace pipeloom::gui
