#pragma once

#include <QMetaObject>
#include <QObject>
#include <QThreadPool>
#include <atomic>
#include <memory>

namespace pipeloom::gui {

// Long work off the window's thread, one piece at a time. A later run() makes the result of an earlier one stale: it is
// dropped, and work that has not begun is not begun. Used from the window's thread; work must not touch widgets.
class Background : public QObject {
 public:
  Background() { pool_.setMaxThreadCount(1); }
  ~Background() override {
    drop();
    pool_.waitForDone();
  }

  // Calls `work` on another thread and hands what it returns to `done` on this one.
  template <typename Work, typename Done>
  void run(Work work, Done done) {
    const int number = ++*latest_;
    running_ = true;
    pool_.start([this, number, latest = latest_, work = std::move(work), done = std::move(done)]() mutable {
      if (number != *latest) return;
      auto result = std::make_shared<decltype(work())>(work());
      QMetaObject::invokeMethod(
          this,
          [this, number, result = std::move(result), done = std::move(done)]() mutable {
            if (number != *latest_) return;
            running_ = false;
            done(std::move(*result));
          },
          Qt::QueuedConnection);
    });
  }

  // Whatever runs has no result any more.
  void drop() {
    ++*latest_;
    running_ = false;
  }
  bool running() const { return running_; }

 private:
  std::shared_ptr<std::atomic<int>> latest_ = std::make_shared<std::atomic<int>>(0);
  bool running_ = false;
  QThreadPool pool_;
};

}  // namespace pipeloom::gui
