#include <QApplication>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "gui/panels/headless.h"
#include "gui/panels/main_window.h"
#include "gui/panels/style.h"

namespace {

// Pictures need no screen; the platform has to be known before Qt starts.
bool needs_no_screen(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("--out=") || argument.starts_with("--write-manual=")) return true;
    for (const char* without_screen : {"--out", "--help", "-h", "--version", "--write-manual"}) {
      if (argument == without_screen) return true;
    }
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (needs_no_screen(argc, argv)) qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication application(argc, argv);
    QApplication::setOrganizationName("pipeloom");
    QApplication::setApplicationName("pipeloom-gui");
    const pipeloom::gui::Options options = pipeloom::gui::parse_options(QApplication::arguments());
    if (!options.message.isEmpty()) {
      std::fputs(qPrintable(options.message), options.exit_code == 0 ? stdout : stderr);
      return options.exit_code;
    }
    if (!options.manual_folder.isEmpty()) return pipeloom::gui::write_window_manual(options);
    if (!options.out.isEmpty()) return pipeloom::gui::draw_picture(options);
    pipeloom::gui::MainWindow window(options.dark || pipeloom::gui::prefers_dark(QApplication::palette()));
    if (options.size.isValid()) window.resize(options.size);
    window.show();
    window.open(options.paths);
    return QApplication::exec();
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "pipeloom-gui: internal error, please report it: %s\n", bug.what());
    return 70;  // EX_SOFTWARE of sysexits.h
  }
}
