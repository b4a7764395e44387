#include "gui/panels/window_manual.h"

namespace pipeloom::gui {

proto::CommandPage window_page(const QString& description, const std::string& file_words,
                               const QList<QCommandLineOption>& options) {
  proto::CommandPage page;
  page.name = "pipeloom-gui";
  page.description = description.toStdString();
  page.options.push_back({.names = {"FILE"},
                          .value = "FILE",
                          .default_value = {},
                          .choices = {},
                          .description = file_words,
                          .positional = true,
                          .repeats = true});
  for (const QCommandLineOption& option : options) {
    if (option.flags().testFlag(QCommandLineOption::HiddenFromHelp)) continue;
    proto::OptionEntry entry;
    for (const QString& name : option.names()) {
      entry.names.push_back((name.size() == 1 ? "-" : "--") + name.toStdString());
    }
    entry.value = option.valueName().toStdString();
    entry.description = option.description().toStdString();
    page.options.push_back(std::move(entry));
  }
  return page;
}

}  // namespace pipeloom::gui
