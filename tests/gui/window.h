#pragma once

#include <QTest>
#include <memory>

#include "gui/panels/main_window.h"

namespace pipeloom::tests {

// A window of its own, shown offscreen. open* wait until the file is there.
class TestWindow {
 public:
  explicit TestWindow(QSize size = {1280, 800}, bool dark = false);

  gui::MainWindow* operator->() { return window_.get(); }
  gui::MainWindow& operator*() { return *window_; }
  void open(const QStringList& paths);
  void open_sample(const char* path);
  // Until nothing works in the background.
  void wait_until_idle();
  // As a person would: by its first key.
  void press(gui::Act act);
  gui::TimelineView& timeline() { return window_->timeline(); }
  const gui::Document& document() { return *window_->session().document(); }
  QImage picture() { return window_->grab().toImage(); }
  // Saves what the window shows where PIPELOOM_SHOTS names a folder, for people to look at.
  void shoot(const QString& name);

 private:
  std::unique_ptr<gui::MainWindow> window_;
};

// A plan file of a named schedule with unit costs.
std::string plan_file(const std::string& path, const char* schedule, int ranks, int micro_batches);

// What running that plan could have left: its own tasks, each a tenth longer than planned.
std::string trace_file(const std::string& plan_path, const std::string& path);

}  // namespace pipeloom::tests
