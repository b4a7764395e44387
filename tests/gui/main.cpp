// Qt's application comes before any test, on the offscreen platform: no screen is needed.
#include <gtest/gtest.h>

#include <QApplication>
#include <QSettings>
#include <QTemporaryDir>

// What fontconfig keeps for the whole run is not ours.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libfontconfig";
}

int main(int argc, char** argv) {
  qputenv("QT_QPA_PLATFORM", "offscreen");
  const QTemporaryDir folder;
  qputenv("XDG_RUNTIME_DIR", folder.path().toUtf8());
  QSettings::setPath(QSettings::NativeFormat, QSettings::UserScope, folder.path());
  QApplication application(argc, argv);
  QApplication::setOrganizationName("pipeloom");
  QApplication::setApplicationName("gui_test");
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
