#pragma once

#include <atomic>
#include <cstdint>

#include "backend/runtime/program/rank_program.h"

namespace pipeloom::backend {

// What a rank's thread does right now, for a thread that watches it.
class Heartbeat {
 public:
  // The thread works on a task, which lives as long as the heartbeat; or on something else, a literal.
  void works_on(const RankTask& task, int64_t now_ns) {
    activity_ = nullptr;
    task_ = &task;
    since_ns_ = now_ns;
  }
  void works_on(const char* activity, int64_t now_ns) {
    task_ = nullptr;
    activity_ = activity;
    since_ns_ = now_ns;
  }
  // It waits, with a deadline of its own.
  void waits() { since_ns_ = 0; }

  int64_t since_ns() const { return since_ns_; }  // 0: it waits
  std::string what() const {
    if (const RankTask* task = task_) return describe(*task);
    const char* activity = activity_;
    return activity == nullptr ? "" : activity;
  }

 private:
  std::atomic<int64_t> since_ns_ = 0;
  std::atomic<const RankTask*> task_ = nullptr;
  std::atomic<const char*> activity_ = nullptr;
};

}  // namespace pipeloom::backend
