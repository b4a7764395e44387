#pragma once

#include <QCommandLineOption>
#include <QList>
#include <QString>
#include <string>

#include "proto/manual/command_page.h"

namespace pipeloom::gui {

// Returns the manual page of pipeloom-gui, from its table of options. Hidden options are left out.
proto::CommandPage window_page(const QString& description, const std::string& file_words,
                               const QList<QCommandLineOption>& options);

}  // namespace pipeloom::gui
