#include "sim/engine/simulate_slot.h"

#include <algorithm>
#include <limits>

#include "sim/engine/work_progress.h"

namespace pipeloom::sim {

namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

class Engine {
 public:
  explicit Engine(std::span<const SlotTask> tasks) : tasks_(tasks), done_(tasks.size(), false) {
    times_.start_ns.resize(tasks.size());
    times_.end_ns.resize(tasks.size());
    for (size_t i = 0; i < tasks.size(); ++i) lanes_[tasks[i].communication ? 1 : 0].queue.push_back(i);
  }

  SlotTaskTimes run() {
    start_what_can();
    while (lanes_[0].running || lanes_[1].running) {
      const int64_t next_ns = std::min(end_ns(lanes_[0]), end_ns(lanes_[1]));
      if (lanes_[0].running && lanes_[1].running) times_.overlapped_ns += next_ns - now_ns_;
      now_ns_ = next_ns;
      for (Lane& lane : lanes_) {
        if (end_ns(lane) == now_ns_) end(lane);
      }
      start_what_can();
    }
    times_.duration_ns = now_ns_;
    return std::move(times_);
  }

 private:
  struct Lane {
    std::vector<size_t> queue;
    size_t next = 0;  // in the queue: the running task, or the one to start
    bool running = false;
    WorkProgress progress;
  };

  const SlotTask& task_of(const Lane& lane) const { return tasks_[lane.queue[lane.next]]; }
  int64_t end_ns(const Lane& lane) const { return lane.running ? lane.progress.end_ns() : kNever; }

  // Returns how long the lane's task would take in all beside what runs now.
  int64_t beside_ns(const Lane& lane) const {
    const SlotTask& task = task_of(lane);
    if (task.communication || !lanes_[1].running) return task.alone_ns;
    return task.beside_ns[static_cast<size_t>(task_of(lanes_[1]).kernel)];
  }

  void end(Lane& lane) {
    const size_t number = lane.queue[lane.next];
    times_.end_ns[number] = now_ns_;
    done_[number] = true;
    lane.running = false;
    ++lane.next;
  }

  void start_what_can() {
    for (Lane& lane : lanes_) {
      if (lane.running || lane.next == lane.queue.size()) continue;
      const size_t number = lane.queue[lane.next];
      const int32_t after = tasks_[number].after;
      if (after >= 0 && !done_[after]) continue;
      times_.start_ns[number] = now_ns_;
      lane.running = true;
      lane.progress = {now_ns_, whole_work(tasks_[number].alone_ns)};
    }
    for (Lane& lane : lanes_) {
      if (lane.running) lane.progress.change_rate(now_ns_, task_of(lane).alone_ns, beside_ns(lane));
    }
  }

  std::span<const SlotTask> tasks_;
  std::vector<bool> done_;
  Lane lanes_[2];  // [compute, all-to-all]
  int64_t now_ns_ = 0;
  SlotTaskTimes times_;
};

}  // namespace

SlotTaskTimes simulate_slot(std::span<const SlotTask> tasks) {
  return Engine(tasks).run();
}

}  // namespace pipeloom::sim
